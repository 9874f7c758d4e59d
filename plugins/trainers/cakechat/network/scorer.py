"""Scoring: log p of given replies with teacher forcing."""

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
_SEQUENCES_SPEC = PackedSequences(values=_IDS_SPEC, batch_sizes=_IDS_SPEC)
_CONTEXTS_SPEC = Contexts(lines=_SEQUENCES_SPEC, line_numbers=_SEQUENCES_SPEC, unsorted_indices=_IDS_SPEC)
_REPLIES_SPEC = Replies(inputs=_SEQUENCES_SPEC, targets=_IDS_SPEC, sorted_indices=_IDS_SPEC, condition=_IDS_SPEC)
BATCH_SPEC = Batch(_CONTEXTS_SPEC, _REPLIES_SPEC)
"""Signature of batches of any size, so that a `tf.function` is traced once."""


def thought_vectors(network: Network, contexts: Contexts) -> Tensor:
    """Returns the thought vector of each sample: (samples, hidden)."""
    encodings = network.encode_utterances(*contexts.lines)
    thoughts = network.encode_contexts(encodings, *contexts.line_numbers)
    return tf.gather(thoughts, contexts.unsorted_indices)


def decoder_states(network: Network, batch: Batch) -> Tensor:
    """Returns the decoder state that predicts each target: (steps, hidden)."""
    return _reply_states(network, thought_vectors(network, batch.context), batch.replies)


def _reply_states(network: Network, thoughts: Tensor, replies: Replies) -> Tensor:
    """Returns the decoder states of replies, given the thought vectors of the samples, (samples, hidden)."""
    return network.decode(*replies.inputs, tf.gather(thoughts, replies.sorted_indices), replies.condition)


class Scorer:
    """Computes log p(reply | context) = Σ_n log p(y_n | y_<n, context).

    Args:
        network: The network.
        output: Its output layer.
        pad: Id of the pad token, which does not count as a target.
    """

    def __init__(self, network: Network, output: OutputLayer, pad: int) -> None:
        self._network = network
        self._output = output
        self._pad = pad
        self._encode_contexts = tf.function(
            lambda contexts: thought_vectors(network, contexts), input_signature=[_CONTEXTS_SPEC], autograph=False
        )
        thoughts_spec = tf.TensorSpec([None, network.settings.hidden])
        self._score = tf.function(self._score_traced, input_signature=[thoughts_spec, _REPLIES_SPEC], autograph=False)

    def encode_contexts(self, contexts: Contexts) -> Floats:
        """Returns the thought vector of each sample: (samples, hidden)."""
        return self._encode_contexts(contexts).numpy()  # type: ignore[no-any-return]

    def score(self, batch: Batch) -> tuple[Floats, Ints]:
        """Scores the replies of a batch.

        Args:
            batch: Contexts and replies.

        Returns:
            (samples,) log p of each reply, summed over its targets without pads, and (samples,) the number of these
            targets.
        """
        return self.score_replies(self.encode_contexts(batch.context), batch.replies)

    def score_replies(self, thoughts: Floats, replies: Replies) -> tuple[Floats, Ints]:
        """Scores replies like `score`, given the thought vectors of their contexts, (samples, hidden)."""
        log_p, tokens = (tensor.numpy() for tensor in self._score(thoughts, replies))
        order = np.argsort(replies.sorted_indices)
        return log_p[order], tokens[order]

    def _score_traced(self, thoughts: Tensor, replies: Replies) -> tuple[Tensor, Tensor]:
        """Returns log p and the number of targets of each reply, in the order of the packed replies."""
        reply = packed_gru.sequence_index(replies.inputs.batch_sizes)  # (steps,)
        real = tf.where(replies.targets != self._pad)[:, 0]
        reply, targets = tf.gather(reply, real), tf.gather(replies.targets, real)
        states = tf.gather(_reply_states(self._network, thoughts, replies), real)
        log_p = -self._output.cross_entropies(states, targets)
        number = tf.size(replies.sorted_indices)
        return tf.math.unsorted_segment_sum(log_p, reply, number), tf.math.bincount(reply, minlength=number)
