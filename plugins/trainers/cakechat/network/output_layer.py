"""The output layer during decoding and scoring: logits over the vocabulary, exact or approximate.

The output layer has most of the network's weights, and all of them are read for each token. `int8_output_layer` has a
faster, approximate implementation.
"""

from __future__ import annotations

from typing import Protocol

from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.chunked_cross_entropy import cross_entropies
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor


class OutputLayer(Protocol):
    """The output layer of a network."""

    def logits(self, states: Tensor) -> Tensor:
        """Returns the logits of all tokens, which may be approximate: (n, hidden) -> (n, vocabulary)."""

    def exact_logits(self, states: Tensor, ids: Tensor, logits: Tensor) -> Tensor:
        """Returns the float32 logits of some tokens.

        Args:
            states: (n, hidden).
            ids: (n, k) token ids.
            logits: (n, k) their values from `logits`.

        Returns:
            (n, k).
        """

    def cross_entropies(self, states: Tensor, targets: Tensor) -> Tensor:
        """Returns -log p of each target, without a gradient: (n, hidden), (n,) token ids -> (n,)."""


class Float32OutputLayer:
    """The output layer in float32. It follows the network's weights while they are trained.

    Args:
        network: The network.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def logits(self, states: Tensor) -> Tensor:
        """Returns the logits of all tokens."""
        return self._network.logits(states)

    def exact_logits(self, states: Tensor, ids: Tensor, logits: Tensor) -> Tensor:
        """Returns `logits`, which are exact already."""
        return logits

    def cross_entropies(self, states: Tensor, targets: Tensor) -> Tensor:
        """Returns -log p of each target."""
        return cross_entropies(states, targets, self._network.output_kernel, self._network.output_bias)


def corrected_logsumexp(logits: Tensor, approximate: Tensor, exact: Tensor) -> Tensor:
    """Returns log Σ_j exp(l_j) from approximate logits l̃, of which some are known exactly.

    With L̃ = log Σ_j exp(l̃_j), and K for the tokens with exact logits:

        L = L̃ + log(1 + Σ_{k∈K} (exp(l_k - L̃) - exp(l̃_k - L̃)))

    Args:
        logits: (n, vocabulary) l̃ of all tokens.
        approximate: (n, k) l̃ of the tokens in K.
        exact: (n, k) l of the tokens in K.

    Returns:
        (n, 1).
    """
    total = tf.reduce_logsumexp(logits, 1, keepdims=True)  # L̃
    correction = tf.reduce_sum(tf.exp(exact - total) - tf.exp(approximate - total), 1, keepdims=True)
    return total + tf.math.log1p(correction)
