"""Mini-batches of windows of similar length. Which windows are in a batch depends on the seed and the epoch only."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autocakechat.plugins.trainers.lora.training.windows import Window

if TYPE_CHECKING:
    import torch

_BUCKET = 64
"""Widths are multiples of this. With few different shapes, memory is reused instead of fragmented."""


def width_of(length: int) -> int:
    """Returns the width of the bucket of a window."""
    return -(-length // _BUCKET) * _BUCKET


def make_batches(lengths: Sequence[int], step_tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Distributes windows over batches.

    Args:
        lengths: The length of each window.
        step_tokens: The maximum number of tokens in a batch, padding included, unless a single window is longer.
        seed: The seed of the training.
        epoch: The number of the epoch.

    Returns:
        The numbers of the windows in each batch.
    """
    rng = random.Random(f"{seed} {epoch}")  # noqa: S311 - not for secrets
    order = list(range(len(lengths)))
    rng.shuffle(order)
    order.sort(key=lambda number: width_of(lengths[number]))
    batches: list[list[int]] = []
    width = 0
    for number in order:
        if batches and width == width_of(lengths[number]) and (len(batches[-1]) + 1) * width <= step_tokens:
            batches[-1].append(number)
        else:
            width = width_of(lengths[number])
            batches.append([number])
    rng.shuffle(batches)
    return batches


def to_tensors(windows: Sequence[Window], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the token ids of windows, padded at the end, and a mask of the tokens that are learnt."""
    import torch

    width = width_of(max(len(window.ids) for window in windows))
    ids = torch.full((len(windows), width), pad, dtype=torch.long)
    targets = torch.zeros((len(windows), width), dtype=torch.bool)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
        targets[row, torch.tensor(window.targets)] = True
    return ids.to(device), targets.to(device)
