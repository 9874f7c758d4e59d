"""Writes an adapter in GGUF, so that llama.cpp adds it to the base."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from autocakechat import UserError
from autocakechat.plugins.trainers.lora.gguf_files.reading import (
    ADAPTABLE,
    architecture,
    interleaved_heads,
    open_gguf,
    value,
)
from autocakechat.plugins.trainers.lora.model.folder import Adapter

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

_NAME = re.compile(r"base_model\.model\.(.+)\.lora_A\.weight")


@attrs.frozen
class AdapterMatrices:
    """The two matrices that an adapter adds to a matrix of the base: W + alpha / r * b @ a.

    Attributes:
        tensor: The name of the base's matrix in GGUF, such as `blk.0.attn_q`.
        a: The matrix a, shape (r, columns).
        b: The matrix b, shape (rows, r), with its rows in the order of the base's GGUF file.
    """

    tensor: str
    a: Array
    b: Array


def write_adapter_gguf(base: Path, adapter: Adapter, weights: Path, into: Path) -> bool:
    """Writes an adapter in GGUF.

    Args:
        base: The base, a GGUF file.
        adapter: The shape of the adapter.
        weights: The adapter, as safetensors.
        into: The file to write.

    Returns:
        Whether it was written: False if the base has an architecture that cannot be converted.
    """
    import gguf

    reader = open_gguf(base)
    if architecture(reader) not in ADAPTABLE:
        return False
    writer = gguf.GGUFWriter(into, architecture(reader))
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", adapter.alpha)
    for matrices in adapter_matrices(reader, weights):
        writer.add_tensor(f"{matrices.tensor}.weight.lora_a", matrices.a)
        writer.add_tensor(f"{matrices.tensor}.weight.lora_b", matrices.b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return True


def adapter_matrices(base: Any, weights: Path) -> Iterator[AdapterMatrices]:
    """Yields the matrices of an adapter, for the tensors of a base in GGUF.

    Args:
        base: The reader of the base.
        weights: The adapter, as safetensors, under the names of PEFT.

    Raises:
        UserError: The file is damaged, or belongs to another base.
    """
    import gguf
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors: Mapping[str, Array] = load_file(weights)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{weights}: damaged: {error}", "copy the folder again, or train again") from None
    name = architecture(base)
    (kind,) = (kind for kind, known in gguf.MODEL_ARCH_NAMES.items() if known == name)
    names = gguf.get_tensor_name_map(kind, int(value(base, f"{name}.block_count")))
    for found in filter(None, map(_NAME.fullmatch, sorted(tensors))):
        tensor = names.get_name(found[1])
        if tensor is None:
            raise UserError(f"{weights}: does not fit this base", "copy the whole model folder again, or train again")
        b = tensors[found[0].replace("lora_A", "lora_B")].astype(np.float32)
        heads = interleaved_heads(base, tensor)
        yield AdapterMatrices(tensor, tensors[found[0]].astype(np.float32), _interleave(b, heads) if heads else b)


def _interleave(rows: Array, heads: int) -> Array:
    """Reorders the rows of each head from two halves to pairs: 0, n, 1, n + 1, ..."""
    columns = rows.shape[1]
    halves = rows.reshape(heads, 2, -1, columns)
    return halves.swapaxes(1, 2).reshape(-1, columns).copy()
