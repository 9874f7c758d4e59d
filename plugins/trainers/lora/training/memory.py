"""Estimates the memory of a training, since a process killed by the system cannot report a lack of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autocakechat import cgroup_folders
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


def free_memory(
    meminfo: Path = Path("/proc/meminfo"),
    cgroups: Path = Path("/sys/fs/cgroup"),
    membership: Path = Path("/proc/self/cgroup"),
) -> int | None:
    """Returns the available memory in bytes: that of the machine, or of the container if it has less.

    Args:
        meminfo: Linux's table of memory use.
        cgroups: Where Linux mounts the cgroups, which limit the memory of containers.
        membership: The file that names this process's cgroups.

    Returns:
        The number of bytes; None if it is unknown.
    """
    try:
        content = meminfo.read_text("ascii")
    except OSError:
        return None
    match = re.search(r"^MemAvailable:\s*(\d+) kB$", content, re.MULTILINE)
    return min([int(match[1]) * 1024, *_left_by_cgroups(cgroups, membership)]) if match else None


def lacks_memory(error: Exception) -> bool:
    """Returns whether an error says that there is not enough memory. PyTorch has no class for that of processors."""
    import torch

    texts = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(text in str(error) for text in texts)


def _left_by_cgroups(cgroups: Path, membership: Path) -> Iterator[int]:
    """Yields how many bytes each limit of this process's cgroup, and of those above it, leaves."""
    groups = cgroup_folders(cgroups, membership)
    version_2 = [(folder, "memory.max", "memory.current", "inactive_file") for folder in groups]
    version_1 = (cgroups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    for folder, limit, usage, cache in (*version_2, version_1):
        most, used = ("".join(_lines(folder / name)) for name in (limit, usage))
        if most.isdigit() and used.isdigit():  # "max": no limit
            # Files in memory that are not in use are given up for programs.
            statistics = dict(line.split(maxsplit=1) for line in _lines(folder / "memory.stat"))
            yield max(0, int(most) - int(used) + int(statistics.get(cache, "0")))


def _lines(file: Path) -> list[str]:
    """Returns the lines of a file; none if it cannot be read."""
    try:
        return file.read_text("ascii").splitlines()
    except OSError:
        return []
