"""Tells beforehand whether a training fits into memory: a program that the system ends for want of it says nothing."""

from __future__ import annotations

import re
from pathlib import Path

from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.chunked_cross_entropy import MAX_LOGITS

_BYTES = 4
_PROGRAM = 900 * 2**20
_COPIES_OF_WEIGHTS = 8
"""Weights, two sums of gradients and two that the optimizer keeps; in a checkpoint three of these once more."""
_COPIES_OF_LOGITS = 3
"""The logits, their gradient, and one more on the way from one to the other."""


def bytes_needed(weights: int, batch_size: int, batcher: Batcher, samples: Samples) -> int:
    """Estimates the memory that training takes at its largest.

    Args:
        weights: Numbers in the network.
        batch_size: Samples in a step.
        batcher: Makes the batches.
        samples: What they are made of.
    """
    longest = batcher.reply_tokens + 1
    targets = longest if batcher.padding == "cakechat" else (samples.reply_lengths + 1).clip(max=longest).mean()
    logits = min(MAX_LOGITS, int(min(batch_size, len(samples)) * targets * len(batcher.vocabulary)))
    return _PROGRAM + _BYTES * (_COPIES_OF_WEIGHTS * weights + _COPIES_OF_LOGITS * logits)


def bytes_available(file: Path = Path("/proc/meminfo")) -> int | None:
    """Returns how much memory programs may take; None where it cannot be known, or a GPU has memory of its own."""
    if tf.config.list_physical_devices("GPU"):
        return None
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB$", file.read_text("ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
