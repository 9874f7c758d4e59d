"""Derives the chat format of a base from the metadata of its GGUF file, without transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autocakechat import UserError
from autocakechat.plugins.trainers.lora.gguf_files.reading import open_gguf, value
from autocakechat.plugins.trainers.lora.prompts.chat_format import (
    PLAIN_FORMAT,
    ChatFormat,
    Message,
    derive_format,
    with_end,
)


def gguf_chat_format(file: Path) -> ChatFormat:
    """Derives the chat format of a base. A base without a usable template gets a plain format.

    Args:
        file: The base, a GGUF file.

    Raises:
        UserError: The file is damaged, or no language model.
    """
    import gguf

    reader = open_gguf(file)
    tokens: list[str] = value(reader, "tokenizer.ggml.tokens", [])
    end = value(reader, "tokenizer.ggml.eos_token_id")
    if end is None or end >= len(tokens):
        raise UserError(f"{file}: contains no tokenizer, so it is not a language model", "use another file")
    kinds = value(reader, "tokenizer.ggml.token_type", [])
    parsed = {int(gguf.TokenType.CONTROL), int(gguf.TokenType.USER_DEFINED)}
    special = sorted({text for text, kind in zip(tokens, kinds, strict=False) if kind in parsed and text.strip()})
    source = value(reader, "tokenizer.chat_template")
    bos = value(reader, "tokenizer.ggml.bos_token_id")
    first = tokens[bos] if bos is not None else ""
    chat_format = _derive(source, first, tokens[end], special) if source else None
    return chat_format or with_end(PLAIN_FORMAT, tokens[end], special)


def _derive(source: str, first: str, end: str, special: Sequence[str]) -> ChatFormat | None:
    """Derives the chat format from a chat template, which runs in a sandbox."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise ValueError(message)

    # The settings for which chat templates are written.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = refuse
    try:
        template = environment.from_string(source)
    except jinja2.TemplateError:
        return None

    def render(messages: Sequence[Message]) -> str:
        return template.render(messages=messages, bos_token=first, eos_token=end, add_generation_prompt=False)

    return derive_format(render, end, special)
