"""Matrix products in float32 or bfloat16.

bfloat16 has the exponent of float32 and 8 bits of its mantissa. Processors with AVX-512 BF16 or AMX and GPUs of compute
capability 8 multiply it several times as fast. They add up in float32, and TensorFlow rounds the result of a matrix
product to bfloat16 again. Everything else is computed and stored in float32: weights, states, gates, softmax, loss,
sums of gradients and the optimizer's moments.
"""

from __future__ import annotations

from typing import Any, Literal

from autocakechat.plugins.trainers.cakechat.training_network.backend import tf

Tensor = Any
Precision = Literal["float32", "bfloat16"]
"""The number format of the factors of matrix products."""


def matmul(a: Tensor, b: Tensor, precision: Precision, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    """Returns a b as float32. In bfloat16, its elements are rounded to bfloat16.

    Args:
        a: (n, k), or (k, n) with `transpose_a`. It may be rounded to the precision already.
        b: (k, m), or (m, k) with `transpose_b`. It may be rounded to the precision already.
        precision: Number format of the factors.
        transpose_a: Whether to transpose a.
        transpose_b: Whether to transpose b.

    Returns:
        (n, m).
    """
    product = tf.matmul(rounded(a, precision), rounded(b, precision), transpose_a=transpose_a, transpose_b=transpose_b)
    return tf.cast(product, tf.float32)


def rounded(factor: Tensor, precision: Precision) -> Tensor:
    """Rounds a factor of several products once; float32 is returned as it is."""
    return tf.cast(factor, precision)
