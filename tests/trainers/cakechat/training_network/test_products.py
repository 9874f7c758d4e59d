"""Products in bfloat16: close to those in float32, and rounded where the documentation says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.training_network import chunked_cross_entropy, packed_gru
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision, matmul

BFLOAT16_ERROR = 2**-8
"""The largest relative error of rounding a number."""


def normal(*shape: int) -> Any:
    return tf.constant(np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32))


def run_gru(precision: Precision) -> list[Any]:
    """Returns states and gradients of a GRU over packed sequences."""
    batch_sizes = tf.constant([4, 3, 3, 1], tf.int32)
    inputs = [normal(11, 24), normal(8, 24), normal(24)]

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            projected, kernel, bias = inputs
            states, last = packed_gru.scan(projected, batch_sizes, kernel, bias, "sigmoid", False, precision)
            loss = tf.reduce_sum(states * normal(11, 8)) + tf.reduce_sum(last * normal(4, 8))
        return [states, last, *tape.gradient(loss, inputs)]

    return list(run())


def run_loss(precision: Precision) -> list[Any]:
    """Returns the cross-entropy of an output layer and its gradients."""
    inputs = [normal(7, 16), normal(16, 31), normal(31)]
    targets = tf.constant(np.arange(7) * 3, tf.int32)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = chunked_cross_entropy.summed_cross_entropy(inputs[0], targets, *inputs[1:], precision)
        return [loss, *tape.gradient(loss, inputs)]

    return list(run())


@pytest.mark.parametrize("run", [run_gru, run_loss])
def test_states_losses_and_gradients_are_float32_and_close(run: Any) -> None:
    for rounded, exact in zip(run("bfloat16"), run("float32"), strict=True):
        assert rounded.dtype == exact.dtype == tf.float32
        largest = float(np.abs(exact).max())
        np.testing.assert_allclose(rounded, exact, atol=8 * BFLOAT16_ERROR * largest)
        assert np.abs(np.asarray(rounded) - np.asarray(exact)).max() > 0


def test_the_products_of_rounded_factors_are_summed_in_float32() -> None:
    # 1 + 2^-9 is rounded to 1. A sum in bfloat16 would stay at 256, since 257 has more than 8 bits.
    product = matmul(tf.fill([1, 1024], 1 + 2**-9), tf.ones([1024, 1]), "bfloat16")
    assert float(product[0, 0]) == 1024
