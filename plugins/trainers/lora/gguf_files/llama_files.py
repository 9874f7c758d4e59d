"""Writes what llama.cpp needs to run a trained model."""

from __future__ import annotations

from pathlib import Path

from autocakechat.plugins.trainers.lora.gguf_files.adapter import write_adapter_gguf
from autocakechat.plugins.trainers.lora.gguf_files.merged import write_merged_gguf
from autocakechat.plugins.trainers.lora.gguf_files.reading import ADAPTABLE, architecture, open_gguf
from autocakechat.plugins.trainers.lora.model.folder import ADAPTER, ADAPTER_GGUF, MERGED_GGUF, Adapter

_MAX_MERGED_BYTES = 300_000_000
"""Bytes of a base. Arithmetic limits a small model: merged it reads a prompt 2.5 times as fast. The bandwidth of memory
limits a large one, which would be slower with 8 bits a weight."""


def write_llama_files(base: Path, adapter: Adapter, into: Path) -> None:
    """Writes a small base with its adapter as one file, and for a larger one the adapter alone.

    A base of an architecture whose adapters cannot be converted gets no file.

    Args:
        base: The base, a GGUF file.
        adapter: The shape of the adapter.
        into: The model folder, with the adapter as safetensors.

    Raises:
        UserError: The base is damaged.
    """
    if base.stat().st_size > _MAX_MERGED_BYTES:
        write_adapter_gguf(base, adapter, into / ADAPTER, into / ADAPTER_GGUF)
    elif architecture(open_gguf(base)) in ADAPTABLE:
        write_merged_gguf(base, adapter, into / ADAPTER, into / MERGED_GGUF)
