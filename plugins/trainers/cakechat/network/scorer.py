"""How likely answers are: what the network gives when it is told them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Answers, Batch, Contexts, Packed
from autocakechat.plugins.trainers.cakechat.network import packed_gru
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.output_layer import Output
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int32]

_IDS = tf.TensorSpec([None], tf.int32)
_ANY_CONTEXTS = Contexts(lines=Packed(_IDS, _IDS), contexts=Packed(_IDS, _IDS), places=_IDS)
_ANY_ANSWERS = Answers(said=Packed(_IDS, _IDS), targets=_IDS, rows=_IDS, condition=_IDS)
ANY_BATCH = Batch(_ANY_CONTEXTS, _ANY_ANSWERS)
"""Batches of any size, so that what takes them is traced once."""


def thought_vectors(network: Network, contexts: Contexts) -> Tensor:
    """Returns the thought vector of each sample: (samples, hidden)."""
    thoughts = network.think(network.encode_lines(*contexts.lines), *contexts.contexts)
    return tf.gather(thoughts, contexts.places)


def decoder_states(network: Network, batch: Batch) -> Tensor:
    """Returns the decoder's state before each target token: (steps, hidden)."""
    return _states_after(network, thought_vectors(network, batch.context), batch.answers)


def _states_after(network: Network, thoughts: Tensor, answers: Answers) -> Tensor:
    return network.decode(*answers.said, tf.gather(thoughts, answers.rows), answers.condition)


class Scorer:
    """Tells how likely answers are.

    Args:
        network: What is asked.
        output: Its output layer.
        pad: Id of the pad token, which never counts.
    """

    def __init__(self, network: Network, output: Output, pad: int) -> None:
        self._network = network
        self._output = output
        self._pad = pad
        self._think = tf.function(
            lambda contexts: thought_vectors(network, contexts), input_signature=[_ANY_CONTEXTS], autograph=False
        )
        thoughts = tf.TensorSpec([None, network.settings.hidden])
        self._score = tf.function(self._score_rows, input_signature=[thoughts, _ANY_ANSWERS], autograph=False)

    def think(self, contexts: Contexts) -> Floats:
        """Returns the thought vector of each sample: (samples, hidden)."""
        return self._think(contexts).numpy()  # type: ignore[no-any-return]

    def score(self, batch: Batch) -> tuple[Floats, Counts]:
        """Scores answers.

        Args:
            batch: Answers and what was said before.

        Returns:
            The sum of log p over each answer's target tokens that are no pads, and their number: twice (answers,), in
            the order of the samples.
        """
        return self.score_after(self.think(batch.context), batch.answers)

    def score_after(self, thoughts: Floats, answers: Answers) -> tuple[Floats, Counts]:
        """Scores answers as `score` does; thought vectors, (samples, hidden), stand for what was said before."""
        log_p, tokens = (tensor.numpy() for tensor in self._score(thoughts, answers))
        order = np.argsort(answers.rows)
        return log_p[order], tokens[order]

    def _score_rows(self, thoughts: Tensor, answers: Answers) -> tuple[Tensor, Tensor]:
        row = tf.range(tf.size(answers.targets)) - packed_gru.starts_of_steps(answers.said.counts)
        real = tf.where(answers.targets != self._pad)[:, 0]
        row, targets = tf.gather(row, real), tf.gather(answers.targets, real)
        states = tf.gather(_states_after(self._network, thoughts, answers), real)
        log_p = -self._output.losses(states, targets)
        number = tf.size(answers.rows)
        return tf.math.unsorted_segment_sum(log_p, row, number), tf.math.bincount(row, minlength=number)


def unpacked(packed: Tensor | np.ndarray[Any, Any], answers: Answers, width: int) -> np.ndarray[Any, Any]:
    """Puts what belongs to steps into a rectangle: (steps, ...) -> (samples, width, ...), zeros where there is none."""
    values = np.asarray(packed)
    counts = np.asarray(answers.said.counts)
    rows = np.concatenate([answers.rows[:count] for count in counts])
    rectangle = np.zeros((len(answers.rows), width, *values.shape[1:]), values.dtype)
    rectangle[rows, np.repeat(np.arange(len(counts)), counts)] = values
    return rectangle
