"""Estimates of the memory of a training, since a process killed by the system cannot report a lack of it."""

from __future__ import annotations

import re
from pathlib import Path

from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.chunked_cross_entropy import MAX_LOGITS

_BYTES_PER_FLOAT = 4
_LIBRARIES = 810 * 2**20
"""Bytes taken by the interpreter and TensorFlow."""
_COPIES_OF_WEIGHTS = 8
"""Weights, two sums of gradients, two moments of the optimizer; and a checkpoint holds three of these once more."""
_COPIES_OF_LOGITS = 3
"""The logits, their gradient, and an intermediate result."""
_ACTIVATIONS_PER_UNIT = 24
"""Numbers stored for each token and hidden unit until their gradients are computed: gates and states, measured."""


def estimate_training_memory(weights: int, hidden: int, batch_size: int, batcher: Batcher, samples: Samples) -> int:
    """Estimates the peak memory of a training, in bytes.

    Args:
        weights: Number of parameters of the network.
        hidden: Hidden size of the network.
        batch_size: Samples in a mini-batch.
        batcher: Makes the mini-batches.
        samples: Training samples.
    """
    max_targets = batcher.reply_tokens + 1  # the end token included
    if batcher.padding == "cakechat":
        targets_per_sample = float(max_targets)
        context_per_sample = float(samples.context.shape[1] * batcher.line_tokens)
    else:
        targets_per_sample = float((samples.reply_lengths + 1).clip(max=max_targets).mean())
        lengths = samples.lines.lengths.clip(max=batcher.line_tokens)
        context_per_sample = float(lengths[samples.context].sum(axis=1).mean())
    batch_size = min(batch_size, len(samples))
    logits = min(MAX_LOGITS, int(batch_size * targets_per_sample * len(batcher.vocabulary)))
    activations = int(batch_size * (context_per_sample + targets_per_sample) * hidden)
    numbers = _COPIES_OF_WEIGHTS * weights + _COPIES_OF_LOGITS * logits + _ACTIVATIONS_PER_UNIT * activations
    return _LIBRARIES + _BYTES_PER_FLOAT * numbers


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


def format_duration(seconds: float) -> str:
    """Returns an estimated duration with few digits, such as `40 s`, `12 min` or `3.3 h`."""
    minutes, hours = round(seconds / 60), seconds / 3600
    if seconds < 95:
        return f"{max(10, 10 * round(seconds / 10))} s"
    return f"{minutes} min" if minutes < 60 else f"{round(hours, 1 if hours < 10 else 0):g} h"
