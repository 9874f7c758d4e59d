"""Choosing among the tokens of a large vocabulary without going through all of them one after the other."""

from __future__ import annotations

import numpy as np

from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor

BLOCK = 256
"""Tokens that are looked at together."""


def sample_categorical(probabilities: Tensor, chances: Tensor) -> Tensor:
    """Draws a token for each row: the first whose probability, added to those of all before it, is above the chance.

    The sums are first looked at for blocks of tokens, then for the tokens of one block: adding up 36,000 numbers one
    after the other would take longer than the network.

    Args:
        probabilities: (rows, vocabulary).
        chances: (rows,) numbers from 0 to below 1.

    Returns:
        (rows,) ids.
    """

    def first_above(amounts: Tensor, chances: Tensor) -> tuple[Tensor, Tensor]:
        """Returns where the sum goes above the chance, and what part of that amount is left for it, in [0, 1)."""
        sums = tf.cumsum(amounts, axis=1)
        aims = sums[:, -1] * chances
        found = tf.reduce_sum(tf.cast(sums <= aims[:, None], tf.int32), 1)
        amount = tf.gather(amounts, found, batch_dims=1)
        left = (aims - tf.gather(sums, found, batch_dims=1)) / amount + 1.0
        return found, tf.clip_by_value(left, 0.0, 1.0 - 1e-6)

    rows, vocabulary = tf.unstack(tf.shape(probabilities))
    missing = -vocabulary % BLOCK
    blocks = tf.reshape(tf.pad(probabilities, [[0, 0], [0, missing]]), [rows, (vocabulary + missing) // BLOCK, BLOCK])
    block, chances = first_above(tf.reduce_sum(blocks, 2), chances)
    return block * BLOCK + first_above(tf.gather(blocks, block, batch_dims=1), chances)[0]


def top_k(amounts: Tensor, number: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the greatest of each row and their places, (rows, number) each, the greatest first.

    They stand in the blocks with the greatest maxima, so only those are searched: (rows, n) -> a few blocks.
    """
    rows, width = tf.unstack(tf.shape(amounts))
    missing = -width % BLOCK
    blocks = (width + missing) // BLOCK
    cut = tf.reshape(tf.pad(amounts, [[0, 0], [0, missing]], constant_values=-np.inf), [rows, blocks, BLOCK])
    searched = tf.math.top_k(tf.reduce_max(cut, 2), tf.minimum(number, blocks))[1]
    # In order, so that of equals the first is taken, as from the whole row.
    searched = tf.sort(searched, 1)
    best, places = tf.math.top_k(tf.reshape(tf.gather(cut, searched, batch_dims=1), [rows, -1]), number)
    found = tf.gather(searched, places // BLOCK, batch_dims=1) * BLOCK + places % BLOCK
    return best, tf.minimum(found, width - 1)  # where there are too few, what was filled up with stands beyond the end
