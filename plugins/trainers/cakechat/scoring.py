"""How likely answers are: what the network gives when it is told them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autocakechat.plugins.trainers.cakechat import recurrence
from autocakechat.plugins.trainers.cakechat.backend import tf
from autocakechat.plugins.trainers.cakechat.likelihood import losses
from autocakechat.plugins.trainers.cakechat.network import Network
from autocakechat.plugins.trainers.cakechat.packing import Batch, Contexts, Packed
from autocakechat.plugins.trainers.cakechat.recurrence import Tensor

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int32]

_IDS = tf.TensorSpec([None], tf.int32)
ANY_CONTEXTS = Contexts(lines=Packed(_IDS, _IDS), contexts=Packed(_IDS, _IDS), places=_IDS)
ANY_BATCH = Batch(context=ANY_CONTEXTS, said=Packed(_IDS, _IDS), targets=_IDS, rows=_IDS, condition=_IDS)
"""Batches of any size, so that what takes them is traced once."""


def thought_vectors(network: Network, contexts: Contexts) -> Tensor:
    """Returns the thought vector of each sample: (samples, hidden)."""
    thoughts = network.think(network.encode_lines(*contexts.lines), *contexts.contexts)
    return tf.gather(thoughts, contexts.places)


def decoder_states(network: Network, batch: Batch) -> Tensor:
    """Returns the decoder's state before each target token: (steps, hidden)."""
    thought = tf.gather(thought_vectors(network, batch.context), batch.rows)
    return network.decode(*batch.said, thought, batch.condition)


class Scorer:
    """Tells how likely answers are.

    Args:
        network: What is asked.
        pad: Id of the pad token, which never counts.
    """

    def __init__(self, network: Network, pad: int) -> None:
        self._network = network
        self._pad = pad
        self._score = tf.function(self._score_rows, input_signature=[ANY_BATCH], autograph=False)

    def score(self, batch: Batch) -> tuple[Floats, Counts]:
        """Scores answers.

        Args:
            batch: Answers and what was said before.

        Returns:
            The sum of log p over each answer's target tokens that are no pads, and their number: twice (answers,), in
            the order of the samples.
        """
        log_p, tokens = (tensor.numpy() for tensor in self._score(batch))
        order = np.argsort(batch.rows)
        return log_p[order], tokens[order]

    def _score_rows(self, batch: Batch) -> tuple[Tensor, Tensor]:
        counts, answers = batch.said.counts, tf.size(batch.rows)
        row = tf.range(tf.size(batch.targets)) - recurrence.starts_of_steps(counts)
        real = tf.where(batch.targets != self._pad)[:, 0]
        row, targets = tf.gather(row, real), tf.gather(batch.targets, real)
        states = tf.gather(decoder_states(self._network, batch), real)
        log_p = -losses(states, targets, self._network.output_kernel, self._network.output_bias)
        return tf.math.unsorted_segment_sum(log_p, row, answers), tf.math.bincount(row, minlength=answers)


def unpacked(packed: Tensor | np.ndarray[Any, Any], batch: Batch, width: int) -> np.ndarray[Any, Any]:
    """Puts what belongs to steps into a rectangle: (steps, ...) -> (samples, width, ...), zeros where there is none."""
    values = np.asarray(packed)
    counts = np.asarray(batch.said.counts)
    rows = np.concatenate([batch.rows[:count] for count in counts])
    rectangle = np.zeros((len(batch.rows), width, *values.shape[1:]), values.dtype)
    rectangle[rows, np.repeat(np.arange(len(counts)), counts)] = values
    return rectangle
