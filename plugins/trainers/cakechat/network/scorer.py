"""How likely answers are: what the network gives when it is told them."""

from __future__ import annotations

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch, Contexts, PackedSequences, Replies
from autocakechat.plugins.trainers.cakechat.network import packed_gru
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.output_layer import OutputLayer
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor

_IDS_SPEC = tf.TensorSpec([None], tf.int32)
_CONTEXTS_SPEC = Contexts(
    lines=PackedSequences(_IDS_SPEC, _IDS_SPEC),
    line_numbers=PackedSequences(_IDS_SPEC, _IDS_SPEC),
    unsorted_indices=_IDS_SPEC,
)
_REPLIES_SPEC = Replies(
    inputs=PackedSequences(_IDS_SPEC, _IDS_SPEC), targets=_IDS_SPEC, sorted_indices=_IDS_SPEC, condition=_IDS_SPEC
)
BATCH_SPEC = Batch(_CONTEXTS_SPEC, _REPLIES_SPEC)
"""Batches of any size, so that what takes them is traced once."""


def thought_vectors(network: Network, contexts: Contexts) -> Tensor:
    """Returns the thought vector of each sample: (samples, hidden)."""
    thoughts = network.encode_contexts(network.encode_utterances(*contexts.lines), *contexts.line_numbers)
    return tf.gather(thoughts, contexts.unsorted_indices)


def decoder_states(network: Network, batch: Batch) -> Tensor:
    """Returns the decoder's state before each target token: (steps, hidden)."""
    return _states_after(network, thought_vectors(network, batch.context), batch.replies)


def _states_after(network: Network, thoughts: Tensor, answers: Replies) -> Tensor:
    return network.decode(*answers.inputs, tf.gather(thoughts, answers.sorted_indices), answers.condition)


class Scorer:
    """Tells how likely answers are.

    Args:
        network: What is asked.
        output: Its output layer.
        pad: Id of the pad token, which never counts.
    """

    def __init__(self, network: Network, output: OutputLayer, pad: int) -> None:
        self._network = network
        self._output = output
        self._pad = pad
        self._encode_contexts = tf.function(
            lambda contexts: thought_vectors(network, contexts), input_signature=[_CONTEXTS_SPEC], autograph=False
        )
        thoughts = tf.TensorSpec([None, network.settings.hidden])
        self._score = tf.function(self._score_rows, input_signature=[thoughts, _REPLIES_SPEC], autograph=False)

    def encode_contexts(self, contexts: Contexts) -> Floats:
        """Returns the thought vector of each sample: (samples, hidden)."""
        return self._encode_contexts(contexts).numpy()  # type: ignore[no-any-return]

    def score(self, batch: Batch) -> tuple[Floats, Ints]:
        """Scores answers.

        Args:
            batch: Replies and what was said before.

        Returns:
            The sum of log p over each answer's target tokens that are no pads, and their number: twice (answers,), in
            the order of the samples.
        """
        return self.score_replies(self.encode_contexts(batch.context), batch.replies)

    def score_replies(self, thoughts: Floats, answers: Replies) -> tuple[Floats, Ints]:
        """Scores answers as `score` does; thought vectors, (samples, hidden), stand for what was said before."""
        log_p, tokens = (tensor.numpy() for tensor in self._score(thoughts, answers))
        order = np.argsort(answers.sorted_indices)
        return log_p[order], tokens[order]

    def _score_rows(self, thoughts: Tensor, answers: Replies) -> tuple[Tensor, Tensor]:
        row = tf.range(tf.size(answers.targets)) - packed_gru.starts_of_steps(answers.inputs.batch_sizes)
        real = tf.where(answers.targets != self._pad)[:, 0]
        row, targets = tf.gather(row, real), tf.gather(answers.targets, real)
        states = tf.gather(_states_after(self._network, thoughts, answers), real)
        log_p = -self._output.losses(states, targets)
        number = tf.size(answers.sorted_indices)
        return tf.math.unsorted_segment_sum(log_p, row, number), tf.math.bincount(row, minlength=number)
