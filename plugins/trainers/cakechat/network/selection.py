"""Softmax, categorical sampling and top-k over the logits of a large vocabulary.

Sampling and top-k work in two levels: over blocks of tokens, then within blocks. A cumulative sum or a sort over 36,000
tokens would take longer than the network.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Indices

BLOCK = 256
"""Tokens in a block."""

_MAX_LOGITS = 1 << 22
"""Maximum number of logits of a chunk: 16 MiB."""


def row_chunks(rows: int, vocabulary: int) -> Iterator[slice]:
    """Yields slices of rows, such that the logits of the rows of a slice take bounded memory."""
    size = max(1, _MAX_LOGITS // vocabulary)
    for start in range(0, rows, size):
        yield slice(start, start + size)


def log_sum_exp(logits: Floats) -> Floats:
    """Returns log Σ_v exp(l_v) of each row: (rows, vocabulary) -> (rows,)."""
    greatest = logits.max(axis=1, keepdims=True)
    shifted = logits - greatest
    result: Floats = np.log(np.exp(shifted, out=shifted).sum(axis=1)) + greatest[:, 0]
    return result


def exponentials(logits: Floats, temperature: float) -> Floats:
    """Returns exp((l_v - max l) / T), the softmax of l / T without its normalisation. Overwrites the logits."""
    logits -= logits.max(axis=1, keepdims=True)
    logits *= 1.0 / temperature
    return np.exp(logits, out=logits)


def softmax(logits: Floats, temperature: float) -> Floats:
    """Returns the softmax of l / T: (rows, vocabulary). Overwrites the logits."""
    weights = exponentials(logits, temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def sample_categorical(weights: Floats, uniforms: Floats) -> Indices:
    """Samples a token for each row by inverting the cumulative distribution.

    With P_k = Σ_{j≤k} p_j, the sample of the uniform number u is the first token k with P_k > u P_n.

    Args:
        weights: (rows, vocabulary) p; need not be normalised.
        uniforms: (rows,) u, numbers in [0, 1).

    Returns:
        (rows,) token ids.
    """
    block_sums = np.add.reduceat(weights, np.arange(0, weights.shape[1], BLOCK), axis=1)  # (rows, blocks)
    block, rest = _invert_cumulative(block_sums, uniforms)
    columns, within_block = _gather_blocks(weights, block[:, None], fill=0.0)
    position, _ = _invert_cumulative(within_block, rest)
    return columns[np.arange(len(position)), position]


def _invert_cumulative(weights: Floats, uniforms: Floats) -> tuple[Indices, Floats]:
    """Samples an index for each row of weights.

    Args:
        weights: (rows, n), not negative.
        uniforms: (rows,) numbers in [0, 1).

    Returns:
        (rows,) the first index k with P_k > u P_n, and (rows,) the rest (u P_n - P_{k-1}) / p_k, which is uniform
        in [0, 1).
    """
    rows = np.arange(len(weights))
    cumulative = np.cumsum(weights, axis=1)  # P
    target = cumulative[:, -1] * uniforms  # u P_n
    index = (cumulative <= target[:, None]).sum(axis=1)
    rest = (target - cumulative[rows, index]) / weights[rows, index] + 1.0
    return index, np.clip(rest, 0.0, 1.0 - 1e-6)


def top_k(values: Floats, k: int) -> tuple[Floats, Indices]:
    """Finds the k greatest values of each row.

    They are in the k blocks with the greatest maxima, so only these blocks are searched.

    Args:
        values: (rows, n).
        k: Number of values, at most n.

    Returns:
        (rows, k) values, the greatest first, and (rows, k) their indices. Of equal values the first comes first.
    """
    maxima = np.maximum.reduceat(values, np.arange(0, values.shape[1], BLOCK), axis=1)  # (rows, blocks)
    blocks = np.sort(_greatest(maxima, min(k, maxima.shape[1])), axis=1)
    columns, searched = _gather_blocks(values, blocks, fill=-np.inf)  # (rows, k BLOCK)
    positions = np.sort(_greatest(searched, k), axis=1)
    best = np.take_along_axis(searched, positions, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    positions = np.take_along_axis(positions, order, axis=1)
    return np.take_along_axis(best, order, axis=1), np.take_along_axis(columns, positions, axis=1)


def _greatest(values: Floats, k: int) -> Indices:
    """Returns the indices of the k greatest values of each row, in any order: (rows, n) -> (rows, k)."""
    return np.argpartition(-values, k - 1, axis=1)[:, :k]


def _gather_blocks(values: Floats, blocks: Indices, fill: float) -> tuple[Indices, Floats]:
    """Returns the columns of some blocks and their values.

    Args:
        values: (rows, n).
        blocks: (rows, k) block numbers.
        fill: The value after the end of the last block, which may be shorter than `BLOCK`.

    Returns:
        (rows, k BLOCK) columns, and (rows, k BLOCK) values.
    """
    columns = (blocks[:, :, None] * BLOCK + np.arange(BLOCK)).reshape(len(blocks), -1)
    exists = columns < values.shape[1]
    columns = np.minimum(columns, values.shape[1] - 1)
    return columns, np.where(exists, np.take_along_axis(values, columns, axis=1), np.float32(fill))
