"""The output layer in 8-bit integers: a quarter of the bytes to read for each token.

Each column j of the kernel W is quantised with its own scale s_j. Decoder states x are in [-1, 1], because they are
convex combinations of tanh values, and are quantised to 0 … 255:

    s_j = max_i |W_ij| / 127        Ŵ_ij = round(W_ij / s_j)       in -127 … 127, int8
    q = 127.5                       x̂_i = round((x_i + 1) q)       in 0 … 255, uint8

With x_i ≈ x̂_i / q - 1 and W_ij ≈ s_j Ŵ_ij, the logits are an integer product, a scale and an offset:

    l_j = Σ_i x_i W_ij + b_j ≈ (s_j / q) Σ_i x̂_i Ŵ_ij + (b_j - s_j Σ_i Ŵ_ij)

They are off by some hundredths, which does not matter for sampling. Where the greatest logits matter, candidates are
recomputed in float32 (`exact_logits`). For the normalisation of log p the few greatest logits are recomputed, because
they dominate the sum; the errors of the many others cancel out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.block_selection import top_k
from autocakechat.plugins.trainers.cakechat.network.chunked_cross_entropy import map_chunks
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.output_layer import (
    Float32OutputLayer,
    OutputLayer,
    corrected_logsumexp,
)
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor


def integer_product(left: Tensor, right: np.ndarray[Any, Any]) -> Tensor:
    """Multiplies 8-bit integers with 32-bit sums.

    Args:
        left: (n, m) 0 … 255.
        right: (m, k) -127 … 127.

    Returns:
        (n, k) int32.
    """
    product, *_ = tf.raw_ops.QuantizedMatMulWithBias(
        a=tf.bitcast(left, tf.quint8),
        # A constant, because oneDNN reorders other operands at each call.
        b=tf.constant(right.view(tf.qint8.as_numpy_dtype).reshape(right.shape), tf.qint8),
        bias=tf.constant(np.zeros(right.shape[1], np.float32)),
        min_a=0.0,  # these four ranges do not affect the integer sums
        max_a=1.0,
        min_b=-1.0,
        max_b=1.0,
        Toutput=tf.qint32,
        input_quant_mode="SCALED",
    )
    return tf.bitcast(product, tf.int32)


IntegerProduct = Callable[[Tensor, np.ndarray[Any, Any]], Tensor]


class Int8OutputLayer(Float32OutputLayer):
    """The output layer in 8-bit integers, for a network whose weights do not change any more.

    Args:
        network: The network.
        product: The product of 8-bit integers.
    """

    _STATE_SCALE = 127.5
    """q."""

    _EXACT_LOGITS = 8
    """Number of the greatest logits that are recomputed in float32 for a cross-entropy."""

    def __init__(self, network: Network, product: IntegerProduct = integer_product) -> None:
        super().__init__(network)
        self._product = product
        kernel, bias = network.output_kernel.numpy(), network.output_bias.numpy()
        scale = np.maximum(np.abs(kernel).max(axis=0), np.finfo(np.float32).tiny) / 127  # s: (vocabulary,)
        self._quantised = np.rint(kernel / scale).astype(np.int8)  # Ŵ: (hidden, vocabulary)
        self._scale = (scale / self._STATE_SCALE).astype(np.float32)  # s / q
        column_sums = self._quantised.sum(axis=0, dtype=np.int32)
        self._offset = (bias - scale * column_sums).astype(np.float32)  # b - s Σ_i Ŵ_i

    def logits(self, states: Tensor) -> Tensor:
        """Returns the logits of all tokens, with an error of some hundredths."""
        quantised = tf.cast(tf.round((states + 1.0) * self._STATE_SCALE), tf.uint8)  # x̂
        return tf.cast(self._product(quantised, self._quantised), tf.float32) * self._scale + self._offset

    def exact_logits(self, states: Tensor, ids: Tensor, logits: Tensor) -> Tensor:
        """Returns the logits of some tokens, computed in float32."""
        columns = tf.gather(self._transposed_kernel, ids)  # (n, k, hidden)
        return tf.linalg.matvec(columns, states) + tf.gather(self._network.output_bias, ids)

    def cross_entropies(self, states: Tensor, targets: Tensor) -> Tensor:
        """Returns -log p of each target, with an error of some thousandths."""
        vocabulary = len(self._offset)

        def chunk_cross_entropies(states: Tensor, targets: Tensor) -> Tensor:
            logits = self.logits(states)
            approximate, ids = top_k(logits, min(self._EXACT_LOGITS, vocabulary))
            exact = self.exact_logits(states, ids, approximate)
            target = self.exact_logits(states, targets[:, None], logits)
            return (corrected_logsumexp(logits, approximate, exact) - target)[:, 0]

        return map_chunks(chunk_cross_entropies, states, targets, vocabulary)

    @functools.cached_property
    def _transposed_kernel(self) -> Tensor:
        """Wᵀ, with the weights of a token next to each other: (vocabulary, hidden)."""
        with tf.init_scope():  # outside of the function that is being traced
            return tf.transpose(self._network.output_kernel)


def fastest_output_layer(network: Network, product: IntegerProduct = integer_product) -> OutputLayer:
    """Returns the fastest output layer for this machine, for a network whose weights do not change any more.

    Args:
        network: The network.
        product: The product of 8-bit integers.
    """
    return Int8OutputLayer(network, product) if _is_exact(product) else Float32OutputLayer(network)


@functools.cache
def _is_exact(product: IntegerProduct) -> bool:
    """Returns whether an 8-bit product works on this machine's CPU and sums in more than 16 bits."""
    if tf.config.list_physical_devices("GPU"):
        return False
    largest = tf.function(lambda left: product(left, np.full((64, 64), 127, np.int8)), autograph=False)
    try:
        return bool(np.all(largest(np.full((2, 64), 255, np.uint8)) == 64 * 255 * 127))
    except (AttributeError, tf.errors.OpError):  # not in this build of TensorFlow, or not for this processor
        return False
