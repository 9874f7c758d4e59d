"""Estimates whether a training fits into memory, since a process killed by the system cannot report it."""

from __future__ import annotations

import re
from pathlib import Path

from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.chunked_cross_entropy import MAX_LOGITS

_BYTES_PER_FLOAT = 4
_LIBRARIES = 900 * 2**20
"""Bytes taken by the interpreter and TensorFlow."""
_COPIES_OF_WEIGHTS = 8
"""Weights, two sums of gradients, two moments of the optimizer; and a checkpoint holds three of these once more."""
_COPIES_OF_LOGITS = 3
"""The logits, their gradient, and an intermediate result."""


def estimate_training_memory(weights: int, batch_size: int, batcher: Batcher, samples: Samples) -> int:
    """Estimates the peak memory of a training, in bytes.

    Args:
        weights: Number of parameters of the network.
        batch_size: Samples in a mini-batch.
        batcher: Makes the mini-batches.
        samples: Training samples.
    """
    max_targets = batcher.reply_tokens + 1  # the end token included
    if batcher.padding == "cakechat":
        targets_per_sample = float(max_targets)
    else:
        targets_per_sample = float((samples.reply_lengths + 1).clip(max=max_targets).mean())
    targets = min(batch_size, len(samples)) * targets_per_sample
    logits = min(MAX_LOGITS, int(targets * len(batcher.vocabulary)))
    return _LIBRARIES + _BYTES_PER_FLOAT * (_COPIES_OF_WEIGHTS * weights + _COPIES_OF_LOGITS * logits)


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Returns the available memory in bytes; None if it is unknown, or if training runs in the memory of a GPU.

    Args:
        meminfo: Linux's table of memory use.
    """
    if tf.config.list_physical_devices("GPU"):
        return None
    try:
        content = meminfo.read_text("ascii")
    except OSError:
        return None
    match = re.search(r"^MemAvailable:\s*(\d+) kB$", content, re.MULTILINE)
    return int(match[1]) * 1024 if match else None
