"""Categorical sampling and top-k over a large vocabulary, in two levels: over blocks of tokens, then within blocks.

The sampler uses `sample_categorical`; beam search and the 8-bit output layer use `top_k`.
"""

from __future__ import annotations

import numpy as np

from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor

BLOCK = 256
"""Tokens in a block."""


def sample_categorical(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """Samples a token for each row by inverting the cumulative distribution.

    With P_k = Σ_{j≤k} p_j, the sample of the uniform number u is the first token k with P_k > u. The cumulative sum
    runs over the sums of blocks, and then over the tokens of one block: a cumulative sum over 36,000 tokens is
    sequential, and takes longer than the network.

    Args:
        probabilities: (rows, vocabulary); need not be normalised.
        uniforms: (rows,) numbers in [0, 1).

    Returns:
        (rows,) token ids.
    """
    rows, vocabulary = tf.unstack(tf.shape(probabilities))
    padding = -vocabulary % BLOCK
    padded = tf.pad(probabilities, [[0, 0], [0, padding]])
    blocks = tf.reshape(padded, [rows, (vocabulary + padding) // BLOCK, BLOCK])
    block, rest = _invert_cumulative(tf.reduce_sum(blocks, 2), uniforms)
    within_block, _ = _invert_cumulative(tf.gather(blocks, block, batch_dims=1), rest)
    return block * BLOCK + within_block


def _invert_cumulative(weights: Tensor, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """Samples an index for each row of weights.

    Args:
        weights: (rows, n), not negative.
        uniforms: (rows,) numbers in [0, 1).

    Returns:
        (rows,) the first index k with P_k > u P_n, and (rows,) the rest (u P_n - P_{k-1}) / p_k, which is uniform
        in [0, 1).
    """
    cumulative = tf.cumsum(weights, axis=1)  # P
    target = cumulative[:, -1] * uniforms  # u P_n
    index = tf.reduce_sum(tf.cast(cumulative <= target[:, None], tf.int32), 1)
    weight = tf.gather(weights, index, batch_dims=1)  # p_k
    rest = (target - tf.gather(cumulative, index, batch_dims=1)) / weight + 1.0
    return index, tf.clip_by_value(rest, 0.0, 1.0 - 1e-6)


def top_k(values: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Finds the k greatest values of each row.

    They are in the k blocks with the greatest maxima, so only these blocks are searched.

    Args:
        values: (rows, n).
        k: Number of values.

    Returns:
        (rows, k) values, the greatest first, and (rows, k) their indices.
    """
    rows, width = tf.unstack(tf.shape(values))
    padding = -width % BLOCK
    number_of_blocks = (width + padding) // BLOCK
    padded = tf.pad(values, [[0, 0], [0, padding]], constant_values=-np.inf)
    blocks = tf.reshape(padded, [rows, number_of_blocks, BLOCK])
    _, candidates = tf.math.top_k(tf.reduce_max(blocks, 2), tf.minimum(k, number_of_blocks))
    # Sorted by index, so that the first of equal values wins, as in a search over the whole row.
    candidates = tf.sort(candidates, 1)
    searched = tf.reshape(tf.gather(blocks, candidates, batch_dims=1), [rows, -1])  # (rows, k BLOCK)
    best, positions = tf.math.top_k(searched, k)
    indices = tf.gather(candidates, positions // BLOCK, batch_dims=1) * BLOCK + positions % BLOCK
    return best, tf.minimum(indices, width - 1)  # padding may be selected if only -inf is left
