"""The forward pass of a batch, and log p of its targets, in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable

from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch, Contexts, PackedSequences, Replies
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.chunked_cross_entropy import cross_entropies
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.products import Tensor

_IDS_SPEC = tf.TensorSpec([None], tf.int32)
_SEQUENCES_SPEC = PackedSequences(values=_IDS_SPEC, batch_sizes=_IDS_SPEC)
_CONTEXTS_SPEC = Contexts(lines=_SEQUENCES_SPEC, line_numbers=_SEQUENCES_SPEC, unsorted_indices=_IDS_SPEC)
_REPLIES_SPEC = Replies(inputs=_SEQUENCES_SPEC, targets=_IDS_SPEC, sorted_indices=_IDS_SPEC, condition=_IDS_SPEC)
BATCH_SPEC = Batch(_CONTEXTS_SPEC, _REPLIES_SPEC, _IDS_SPEC, _IDS_SPEC)
"""Signature of batches of any size, so that a `tf.function` is traced once."""


def thought_vectors(network: TrainableNetwork, contexts: Contexts) -> Tensor:
    """Returns the thought vector of each sample: (samples, thought size)."""
    thoughts = network.encode_contexts(network.encode_lines(*contexts.lines), *contexts.line_numbers)
    return tf.gather(thoughts, contexts.unsorted_indices)


def decoder_outputs(
    network: TrainableNetwork,
    thoughts: Tensor,
    replies: Replies,
    dropout: Callable[[Tensor], Tensor] = lambda states: states,
) -> Tensor:
    """Returns what the output layer reads to predict each target: (steps, output size).

    Args:
        network: The network.
        thoughts: (samples, thought size) thought vectors.
        replies: The replies to the samples.
        dropout: Applied to the decoder's states.
    """
    thoughts = tf.gather(thoughts, replies.sorted_indices)
    states = dropout(network.decode(*replies.inputs, thoughts, replies.condition))
    return network.outputs(states, replies.inputs.batch_sizes, thoughts)


class BatchScorer:
    """Computes log p of the targets of a batch with the network's current weights; compiled at the first call.

    Args:
        network: The network.
        pad: Id of the pad token, which does not count as a target.
    """

    def __init__(self, network: TrainableNetwork, pad: int) -> None:
        self._network = network
        self._pad = pad
        self._compiled_score = tf.function(self._score, input_signature=[BATCH_SPEC], autograph=False)

    def __call__(self, batch: Batch) -> tuple[float, int]:
        """Returns Σ log p over the targets without pads, and the number of these targets."""
        log_p, targets = self._compiled_score(batch)
        return float(log_p), int(targets)

    def _score(self, batch: Batch) -> tuple[Tensor, Tensor]:
        targets = batch.replies.targets
        real = tf.where(targets != self._pad)[:, 0]
        outputs = decoder_outputs(self._network, thought_vectors(self._network, batch.context), batch.replies)
        losses = cross_entropies(
            tf.gather(outputs, real),
            tf.gather(targets, real),
            self._network.output_kernel,
            self._network.output_bias,
            self._network.precision,
        )
        return -tf.reduce_sum(losses), tf.size(losses)
