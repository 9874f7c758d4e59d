"""Estimates the memory of a training, since a process killed by the system cannot report a lack of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from autocakechat.plugins.trainers.lora.language_model.attention import BLOCKWISE, WIDEST

_LIBRARIES = 700 * 2**20
"""Bytes taken by the interpreter, PyTorch and transformers."""
_ADAPTER_COPIES = 5
"""Weights, gradients, two moments of the optimizer, and the copy of a checkpoint."""
_NUMBERS_PER_UNIT = 40
"""Numbers kept for each token, layer and hidden unit until their gradients are computed."""
_LEARNT_SHARE = 0.5
_LOGITS_COPIES = 3


def estimate_training_memory(
    model: Any, adapter_weights: int, step_tokens: int, window: int, bytes_per_number: int
) -> int:
    """Estimates the peak memory of a training, in bytes.

    Args:
        model: The model with the adapter.
        adapter_weights: The number of weights of the adapter.
        step_tokens: Tokens in a gradient step.
        window: Maximum tokens of a window.
        bytes_per_number: Bytes of an activation.
    """
    config = model.config.get_text_config()
    weights = sum(int(weight.numel() * weight.element_size()) for weight in model.parameters())
    blockwise = model.config._attn_implementation == BLOCKWISE
    attention = config.num_attention_heads * min(window, WIDEST) if blockwise else 0
    numbers = config.num_hidden_layers * (_NUMBERS_PER_UNIT * config.hidden_size + attention)
    activations: int = step_tokens * numbers * bytes_per_number
    logits = int(_LOGITS_COPIES * _LEARNT_SHARE * step_tokens * config.vocab_size * 4)
    return _LIBRARIES + weights + 4 * _ADAPTER_COPIES * adapter_weights + activations + logits


def available_memory() -> int | None:
    """Returns the available memory in bytes; of the GPU if there is one. None if it is unknown."""
    import torch

    return int(torch.cuda.mem_get_info()[0]) if torch.cuda.is_available() else free_memory()


def free_memory(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Returns the available memory of the machine in bytes; None if it is unknown.

    Args:
        meminfo: Linux's table of memory use.
    """
    try:
        content = meminfo.read_text("ascii")
    except OSError:
        return None
    match = re.search(r"^MemAvailable:\s*(\d+) kB$", content, re.MULTILINE)
    return int(match[1]) * 1024 if match else None
