"""The output layer while answers are looked for: the most weights of the network, read anew for each token.

Where the processor can, they are read as 8-bit integers, a quarter of the bytes: each column of the kernel has a scale
of its own, and states, which lie between -1 and 1, are rounded to 256 steps. Logits are then off by some hundredths.
That is no matter where a token is drawn; where the best are looked for, those that may be it are computed exactly.
"""

from __future__ import annotations

import functools
from typing import Protocol

import numpy as np

from autocakechat.plugins.trainers.cakechat.backend import tf
from autocakechat.plugins.trainers.cakechat.network import Network
from autocakechat.plugins.trainers.cakechat.recurrence import Tensor
from autocakechat.plugins.trainers.cakechat.scoring import Floats


class Output(Protocol):
    """The output layer of a network."""

    def logits(self, states: Tensor) -> Tensor:
        """Returns the logits of all tokens, which may be a little off: (n, hidden) -> (n, vocabulary)."""

    def exactly(self, states: Tensor, ids: Tensor, logits: Tensor) -> Tensor:
        """Returns the logits of some tokens as float32 has them.

        Args:
            states: (n, hidden).
            ids: (n, k) the tokens.
            logits: (n, k) what `logits` said of them.

        Returns:
            (n, k).
        """


class FloatOutput:
    """The output layer as it is, of a network that may go on learning.

    Args:
        network: The network.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def logits(self, states: Tensor) -> Tensor:
        """The logits of all tokens."""
        return self._network.logits(states)

    def exactly(self, states: Tensor, ids: Tensor, logits: Tensor) -> Tensor:
        """The logits that are known."""
        return logits


class EightBitOutput:
    """The output layer in 8-bit integers.

    Args:
        kernel: (hidden, vocabulary) its weights.
        bias: (vocabulary,).
    """

    _STATES = 127.5
    """What a state plus 1 is multiplied by, to lie between 0 and 255."""

    def __init__(self, kernel: Floats, bias: Floats) -> None:
        self._kernel, self._bias = kernel, bias
        scale = np.maximum(np.abs(kernel).max(axis=0), np.finfo(np.float32).tiny) / 127
        rounded = np.rint(kernel / scale).astype(np.int8)
        self._integers = rounded.view(tf.qint8.as_numpy_dtype).reshape(kernel.shape)
        self._scale = (scale / self._STATES).astype(np.float32)
        # A state is not what it is rounded to minus 1, so the sum of each column is taken away again.
        self._rest = (bias - scale * rounded.sum(axis=0, dtype=np.int32)).astype(np.float32)

    def logits(self, states: Tensor) -> Tensor:
        """The logits of all tokens, off by some hundredths."""
        rounded = tf.cast(tf.round((states + 1.0) * self._STATES), tf.uint8)
        # The weights must be a constant right here, or oneDNN would put them into its order each time.
        summed, *_ = tf.raw_ops.QuantizedMatMulWithBias(
            a=tf.bitcast(rounded, tf.quint8),
            b=tf.constant(self._integers, tf.qint8),
            bias=tf.constant(np.zeros_like(self._bias)),
            min_a=0.0,
            max_a=2.0,
            min_b=-1.0,
            max_b=1.0,
            Toutput=tf.qint32,
            input_quant_mode="SCALED",
        )
        return tf.cast(tf.bitcast(summed, tf.int32), tf.float32) * self._scale + self._rest

    def exactly(self, states: Tensor, ids: Tensor, logits: Tensor) -> Tensor:
        """The logits of some tokens, computed from the weights as they are."""
        columns = tf.gather(self._by_token, ids)
        return tf.linalg.matvec(columns, states) + tf.gather(self._bias, ids)

    @functools.cached_property
    def _by_token(self) -> Tensor:
        with tf.init_scope():
            return tf.constant(self._kernel.T)


def quick_output(network: Network) -> Output:
    """Returns the output layer of a network that has learnt all it will, for the fastest answers on this machine."""
    if not _multiplies_eight_bits():
        return FloatOutput(network)
    return EightBitOutput(network.output_kernel.numpy(), network.output_bias.numpy())


@functools.cache
def _multiplies_eight_bits() -> bool:
    """Whether TensorFlow has products of 8-bit integers here, and the processor sums them up in more than 16 bits."""
    if tf.config.list_physical_devices("GPU"):
        return False
    largest = EightBitOutput(np.ones((64, 64), np.float32), np.zeros(64, np.float32))
    try:
        product = tf.function(largest.logits, autograph=False)(tf.ones([2, 64]))
    except tf.errors.OpError:
        return False
    return bool(np.allclose(product.numpy(), 64.0, rtol=1e-3))
