"""Writes a base with its adapter in the format of transformers."""

from __future__ import annotations

from pathlib import Path

from autocakechat.plugins.trainers.lora.bases.record import FoundBase
from autocakechat.plugins.trainers.lora.language_model.adapter import merged
from autocakechat.plugins.trainers.lora.language_model.loading import load_base, load_transformers_tokenizer, quiet
from autocakechat.plugins.trainers.lora.model.folder import Adapter


def write_merged_folder(found: FoundBase, adapter: Adapter, weights: Path, into: Path) -> None:
    """Writes a folder that transformers, vLLM and Ollama load.

    The adapter is added in 32 bits; the sum is written in bfloat16, the usual format of language models.

    Args:
        found: The base.
        adapter: The shape of the adapter.
        weights: The adapter, as safetensors.
        into: An empty folder.

    Raises:
        UserError: A file is damaged.
    """
    import torch
    import transformers

    base = load_base(found, "float32", torch.device("cpu"))
    model = merged(base, adapter, weights).to(torch.bfloat16)
    # A GGUF file counts as quantized, although its weights are numbers by now.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    with quiet(transformers):
        model.save_pretrained(into)
    load_transformers_tokenizer(found).save_pretrained(into)
