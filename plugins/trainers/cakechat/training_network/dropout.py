"""Dropout whose mask does not depend on how a mini-batch is divided among workers."""

from __future__ import annotations

from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Replies
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.packed_gru import sequence_index
from autocakechat.plugins.trainers.cakechat.training_network.products import Tensor

_BLOCK = 4
"""Numbers that the Philox generator draws for each value of its counter."""


def dropout(states: Tensor, rate: float, seed: Tensor, replies: Replies, first_target: Tensor) -> Tensor:
    """Sets a random part of the states to zero, and divides the others by 1 - rate.

    The random numbers of a mini-batch are one stream: for each target token of the first sample, then of the second,
    and so on. A worker draws the numbers of its samples only.

    Args:
        states: (steps, hidden) decoder states of packed replies.
        rate: The part of the states that is dropped.
        seed: (2,) seed of the mini-batch.
        replies: The replies.
        first_target: Number of target tokens in the mini-batch before those of these replies.

    Returns:
        (steps, hidden).
    """
    steps, hidden = tf.shape(states)[0], states.shape[1]
    blocks = -(-hidden // _BLOCK)
    key, start = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    counter = start + tf.cast(tf.stack([blocks * first_target, 0]), tf.uint64)
    numbers = tf.raw_ops.StatelessRandomUniformV2(
        shape=[steps, _BLOCK * blocks], key=key, counter=counter, alg=tf.random.Algorithm.PHILOX.value
    )
    kept = tf.gather(numbers[:, :hidden] >= rate, target_positions(replies))
    return tf.where(kept, states / (1.0 - rate), 0.0)


def target_positions(replies: Replies) -> Tensor:
    """Returns where each packed step is if the replies follow each other in the order of the samples: (steps,)."""
    batch_sizes = replies.inputs.batch_sizes
    reply = sequence_index(batch_sizes)
    time = tf.repeat(tf.range(tf.size(batch_sizes)), batch_sizes)
    sample = tf.gather(replies.sorted_indices, reply)
    lengths = tf.math.unsorted_segment_sum(tf.ones_like(sample), sample, tf.size(replies.sorted_indices))
    return tf.gather(tf.cumsum(lengths, exclusive=True), sample) + time
