"""Loads the base and its tokenizer with transformers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocakechat import UserError
from autocakechat.plugins.trainers.lora.bases.record import FoundBase
from autocakechat.plugins.trainers.lora.language_model.attention import attend_in_blocks
from autocakechat.plugins.trainers.lora.prompts.chat_format import (
    PLAIN_FORMAT,
    ChatFormat,
    Message,
    derive_format,
    with_end,
)

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

    from autocakechat.plugins.trainers.lora.language_model.precision import Precision

_HINT = "copy or download the base again, or choose another one"


def load_base(found: FoundBase, precision: Precision, device: torch.device) -> Any:
    """Loads the weights of a base.

    Args:
        found: The base.
        precision: The number format.
        device: Where to put the weights.

    Returns:
        A causal language model of transformers, with frozen weights.

    Raises:
        UserError: The files are damaged, or they are no causal language model that transformers knows.
    """
    import torch
    import transformers

    arguments: dict[str, Any] = {"dtype": torch.float32 if precision == "float32" else torch.bfloat16}
    if precision == "4bit":
        arguments["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=torch.bfloat16,
            bnb_4bit_use_double_quant=True,
        )
        arguments["device_map"] = {"": device}
    with _user_errors(found), quiet(transformers):
        model = transformers.AutoModelForCausalLM.from_pretrained(**_where(found), **arguments)
    if precision != "4bit":
        model.to(device)
    if device.type == "cpu":
        attend_in_blocks(model)
    return model.requires_grad_(False)


def load_tokenizer(found: FoundBase) -> tuple[Tokenizer, ChatFormat]:
    """Loads the tokenizer of a base, and derives the chat format from its chat template.

    A base without a usable template gets a plain format.

    Raises:
        UserError: The files are damaged, or the tokenizer is of a kind that the library tokenizers does not know.
    """
    loaded = load_transformers_tokenizer(found)
    if not loaded.is_fast or loaded.eos_token is None:
        raise UserError(f"{found.record.name}: its tokenizer is not supported", "choose another base")
    tokenizer: Tokenizer = loaded.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    special = _special_texts(loaded)

    def render(messages: Sequence[Message]) -> str:
        return str(loaded.apply_chat_template(list(messages), tokenize=False))

    chat_format = derive_format(render, loaded.eos_token, special) if loaded.chat_template else None
    return tokenizer, chat_format or with_end(PLAIN_FORMAT, loaded.eos_token, special)


def load_transformers_tokenizer(found: FoundBase) -> Any:
    """Loads the tokenizer of a base as an object of transformers, with its chat template.

    Raises:
        UserError: The files are damaged.
    """
    import transformers

    with _user_errors(found), quiet(transformers):
        return transformers.AutoTokenizer.from_pretrained(**_where(found))


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Returns the tokens of a text, without tokens that tokenizers add on their own."""
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def count_tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> list[int]:
    """Returns the number of tokens of each text, without those that tokenizers add on their own."""
    return [len(found.ids) for found in tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def _special_texts(loaded: Any) -> list[str]:
    """Returns the texts that the tokenizer reads as one token with a meaning, wherever they are in a text."""
    added = loaded.added_tokens_decoder.values()
    found = {str(token.content) for token in added if token.special or str(token.content).startswith("<")}
    return sorted(text for text in found | set(loaded.all_special_tokens) if text.strip())


def _where(found: FoundBase) -> dict[str, Any]:
    """Returns the arguments of `from_pretrained` for files on this machine, without code from there."""
    arguments: dict[str, Any] = {
        "pretrained_model_name_or_path": str(found.folder),
        "local_files_only": True,
        "trust_remote_code": False,  # by default, transformers asks on the terminal whether to run it
    }
    if found.record.gguf:
        arguments["gguf_file"] = found.record.gguf
    else:
        arguments["use_safetensors"] = True
    return arguments


@contextmanager
def _user_errors(found: FoundBase) -> Iterator[None]:
    """Turns what transformers raises for unusable files into one line."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        reason = reason.replace(str(found.folder), Path(found.record.name).name)
        raise UserError(f"{found.record.name}: cannot be loaded: {reason}", _HINT) from error


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Hides the progress bars and remarks of transformers.

    Args:
        transformers: The module.
    """
    logging = transformers.utils.logging
    level, shows_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(StringIO()):  # the bars for GGUF files and for written files have no switch
            yield
    finally:
        logging.set_verbosity(level)
        if shows_bars:
            logging.enable_progress_bar()
