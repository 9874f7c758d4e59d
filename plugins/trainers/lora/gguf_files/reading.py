"""Reads GGUF files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autocakechat import UserError

# Architectures whose files store the rows of the query and key projections in another order than transformers:
# llama.cpp rotates neighbouring numbers, transformers the two halves of a head.
_INTERLEAVED = frozenset({"llama"})
# Architectures whose tensors differ from those of transformers in their names only.
_SAME_ORDER = frozenset({"qwen2", "qwen3", "gemma", "gemma2", "gemma3"})
ADAPTABLE = _INTERLEAVED | _SAME_ORDER
"""Architectures whose adapters can be converted."""


def open_gguf(file: Path) -> Any:
    """Opens a GGUF file.

    Returns:
        A `gguf.GGUFReader`.

    Raises:
        UserError: The file is missing or damaged.
    """
    import gguf

    try:
        return gguf.GGUFReader(file)
    except Exception as error:  # the reader does not check what it reads
        raise UserError(f"{file}: not a GGUF file, or damaged", "get the file again") from error


def value(reader: Any, name: str, default: Any = None) -> Any:
    """Returns a value of the metadata; the default if there is none."""
    field = reader.get_field(name)
    return default if field is None else field.contents()


def architecture(reader: Any) -> str:
    """Returns the architecture of a model, in the words of llama.cpp."""
    return str(value(reader, "general.architecture", ""))


def interleaved_heads(reader: Any, tensor: str) -> int:
    """Returns the number of heads of a projection whose rows are in another order than in transformers; 0 for others.

    Args:
        reader: The base.
        tensor: The name of a tensor, such as `blk.0.attn_q`.
    """
    name = architecture(reader)
    if name not in _INTERLEAVED:
        return 0
    heads = int(value(reader, f"{name}.attention.head_count"))
    return {"attn_q": heads, "attn_k": int(value(reader, f"{name}.attention.head_count_kv", heads))}.get(
        tensor.rpartition(".")[2], 0
    )
