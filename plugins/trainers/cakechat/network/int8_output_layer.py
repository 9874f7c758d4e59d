"""8-bit."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.block_selection import top_k
from autocakechat.plugins.trainers.cakechat.network.chunked_cross_entropy import in_pieces
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.output_layer import (
    Float32OutputLayer,
    OutputLayer,
    corrected_logsumexp,
)
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor


class Int8OutputLayer(Float32OutputLayer):
    """The output layer in 8-bit integers, of a network that has learnt all it will.

    Args:
        network: The network.
    """

    _STATES = 127.5
    """What a state plus 1 is multiplied by, to lie between 0 and 255."""

    _DECISIVE = 8
    """How many of the greatest logits are computed exactly for a loss."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        kernel, bias = network.output_kernel.numpy(), network.output_bias.numpy()
        scale = np.maximum(np.abs(kernel).max(axis=0), np.finfo(np.float32).tiny) / 127
        rounded = self._integers = np.rint(kernel / scale).astype(np.int8)
        self._scale = (scale / self._STATES).astype(np.float32)
        # A state is what it is rounded to minus 1, so the sum of each column is taken away again.
        self._rest = (bias - scale * rounded.sum(axis=0, dtype=np.int32)).astype(np.float32)

    def logits(self, states: Tensor) -> Tensor:
        """The logits of all tokens, off by some hundredths."""
        rounded = tf.cast(tf.round((states + 1.0) * self._STATES), tf.uint8)
        return tf.cast(_product(rounded, self._integers), tf.float32) * self._scale + self._rest

    def exact_logits(self, states: Tensor, ids: Tensor, logits: Tensor) -> Tensor:
        """The logits of some tokens, computed from the weights as they are."""
        return tf.linalg.matvec(tf.gather(self._columns, ids), states) + tf.gather(self._network.output_bias, ids)

    def losses(self, states: Tensor, targets: Tensor) -> Tensor:
        """-log p of each target, off by some thousandths."""

        def of_some(states: Tensor, targets: Tensor) -> Tensor:
            logits = self.logits(states)
            rough, ids = top_k(logits, min(self._DECISIVE, len(self._rest)))
            exact = self.exact_logits(states, ids, rough)
            target = self.exact_logits(states, targets[:, None], logits)
            return (corrected_logsumexp(logits, rough, exact) - target)[:, 0]

        return in_pieces(of_some, states, targets, len(self._rest))

    @functools.cached_property
    def _columns(self) -> Tensor:
        """The kernel turned round, so that the weights of a token stand together: (vocabulary, hidden)."""
        with tf.init_scope():  # whatever is being compiled meanwhile
            return tf.transpose(self._network.output_kernel)


def fastest_output_layer(network: Network) -> OutputLayer:
    """Returns the fastest output layer that this machine has, for a network that has learnt all it will."""
    return Int8OutputLayer(network) if _multiplies_eight_bits() else Float32OutputLayer(network)


def _product(left: Tensor, right: np.ndarray[Any, Any]) -> Tensor:
    """Multiplies integers of 8 bits, summed up in 32: (n, m) from 0 to 255, (m, k) from -127 to 127 -> (n, k)."""
    summed, *_ = tf.raw_ops.QuantizedMatMulWithBias(
        a=tf.bitcast(left, tf.quint8),
        # Only of a constant oneDNN remembers the order in which it wants it, instead of making it each time.
        b=tf.constant(right.view(tf.qint8.as_numpy_dtype).reshape(right.shape), tf.qint8),
        bias=tf.constant(np.zeros(right.shape[1], np.float32)),
        min_a=0.0,  # these four only say what the sums would mean
        max_a=1.0,
        min_b=-1.0,
        max_b=1.0,
        Toutput=tf.qint32,
        input_quant_mode="SCALED",
    )
    return tf.bitcast(summed, tf.int32)


@functools.cache
def _multiplies_eight_bits() -> bool:
    """Whether TensorFlow has products of 8-bit integers here, and the processor sums them up in more than 16 bits."""
    if tf.config.list_physical_devices("GPU"):
        return False
    largest = tf.function(lambda left: _product(left, np.full((64, 64), 127, np.int8)), autograph=False)
    try:
        return bool(np.all(largest(np.full((2, 64), 255, np.uint8)) == 64 * 255 * 127))
    except (AttributeError, tf.errors.OpError):  # TensorFlow was built without it, or has it for other processors
        return False
