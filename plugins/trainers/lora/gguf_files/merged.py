"""Writes a base with its adapter as one GGUF file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autocakechat import UserError
from autocakechat.plugins.trainers.lora.gguf_files.adapter import adapter_matrices
from autocakechat.plugins.trainers.lora.gguf_files.reading import ADAPTABLE, architecture, open_gguf
from autocakechat.plugins.trainers.lora.model.folder import Adapter

_WRITTEN_ANEW = frozenset({"GGUF.version", "GGUF.tensor_count", "GGUF.kv_count", "general.architecture"})


def write_merged_gguf(base: Path, adapter: Adapter, weights: Path, into: Path) -> None:
    """Adds an adapter to the weights of a base.

    Changed matrices have 8 bits a weight (Q8_0): the rounding of fewer bits would remove a part of what was learnt.
    Matrices in F32 and F16 keep their format.

    Args:
        base: The base, a GGUF file.
        adapter: The shape of the adapter.
        weights: The adapter, as safetensors.
        into: The file to write.

    Raises:
        UserError: A file is damaged, or the architecture of the base is not supported.
    """
    import gguf

    reader = open_gguf(base)
    if architecture(reader) not in ADAPTABLE:
        raise UserError(
            f"{base.name}: adapters of the architecture {architecture(reader)!r} cannot be converted",
            "use --merged, and convert the folder with convert_hf_to_gguf.py of llama.cpp",
        )
    changes = {f"{matrices.tensor}.weight": matrices for matrices in adapter_matrices(reader, weights)}
    writer = gguf.GGUFWriter(into, architecture(reader))
    writer.data_alignment = int(reader.alignment)
    for name, field in reader.fields.items():
        if name not in _WRITTEN_ANEW:
            _copy_field(writer, name, field)
    scale = adapter.alpha / adapter.rank
    for tensor in reader.tensors:
        if tensor.name not in changes:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            continue
        change = changes.pop(tensor.name)
        changed = gguf.quants.dequantize(tensor.data, tensor.tensor_type) + scale * (change.b @ change.a)
        kind = gguf.GGMLQuantizationType.Q8_0 if tensor.data.dtype.itemsize == 1 else tensor.tensor_type
        writer.add_tensor(tensor.name, gguf.quants.quantize(changed, kind), raw_dtype=kind)
    if changes:
        raise UserError(f"{weights}: does not fit this base", "copy the whole model folder again, or train again")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy_field(writer: Any, name: str, field: Any) -> None:
    """Copies a value of the metadata. Empty arrays are left out: the library gguf cannot write them."""
    import gguf

    kind, *parts = field.types
    if kind == gguf.GGUFValueType.ARRAY and not parts:
        return
    items = parts[-1] if kind == gguf.GGUFValueType.ARRAY else None
    writer.add_key_value(name, field.contents(), kind, sub_type=items)
