"""The output layer while answers are looked for: the most weights of the network, read anew for each token.

Where the processor can, they are read as 8-bit integers, a quarter of the bytes: each column of the kernel has a scale
of its own, and states, which lie between -1 and 1, are rounded to 256 steps. Logits are then off by some hundredths.
That is no matter where a token is drawn. Where the best are looked for, those that may be it are computed exactly; and
so are the few that decide how large the sum of all is, while the errors of the many others cancel out.
"""

from __future__ import annotations

from typing import Protocol

from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.chunked_cross_entropy import losses
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor


class OutputLayer(Protocol):
    """The output layer of a network."""

    def logits(self, states: Tensor) -> Tensor:
        """Returns the logits of all tokens, which may be a little off: (n, hidden) -> (n, vocabulary)."""

    def exact_logits(self, states: Tensor, ids: Tensor, logits: Tensor) -> Tensor:
        """Returns the logits of some tokens as float32 has them.

        Args:
            states: (n, hidden).
            ids: (n, k) the tokens.
            logits: (n, k) what `logits` said of them.

        Returns:
            (n, k).
        """

    def losses(self, states: Tensor, targets: Tensor) -> Tensor:
        """Returns -log p of each target, not to be differentiated: (n, hidden), (n,) ids -> (n,)."""


class Float32OutputLayer:
    """The output layer as it is, of a network that may go on learning.

    Args:
        network: The network.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def logits(self, states: Tensor) -> Tensor:
        """The logits of all tokens."""
        return self._network.logits(states)

    def exact_logits(self, states: Tensor, ids: Tensor, logits: Tensor) -> Tensor:
        """The logits of some tokens: those that are known."""
        return logits

    def losses(self, states: Tensor, targets: Tensor) -> Tensor:
        """-log p of each target."""
        return losses(states, targets, self._network.output_kernel, self._network.output_bias)


def corrected_logsumexp(logits: Tensor, rough: Tensor, exact: Tensor) -> Tensor:
    """Returns the logarithm of the sum of all exp(logits), put right where better is known.

    Args:
        logits: (n, vocabulary) all logits, a little off.
        rough: (n, k) some of them.
        exact: (n, k) what these should be.

    Returns:
        (n, 1).
    """
    whole = tf.reduce_logsumexp(logits, 1, keepdims=True)
    return whole + tf.math.log1p(tf.reduce_sum(tf.exp(exact - whole) - tf.exp(rough - whole), 1, keepdims=True))
