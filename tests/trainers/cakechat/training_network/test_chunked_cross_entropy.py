"""Cross-entropy in chunks and Adam in one pass match the plain computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.training.optimizer import Adam
from autocakechat.plugins.trainers.cakechat.training_network import chunked_cross_entropy
from autocakechat.plugins.trainers.cakechat.training_network.backend import keras, tf

VOCABULARY = 11


@pytest.fixture
def layer() -> tuple[Any, Any, Any, Any]:
    random = np.random.default_rng(1)
    states, kernel, bias = (tf.constant(random.normal(size=size), tf.float32) for size in ((7, 6), (6, 11), (11,)))
    return states, tf.constant(random.integers(0, VOCABULARY, 7), tf.int32), kernel, bias


@pytest.mark.parametrize("rows", [1, 3, 7, 100])
def test_cross_entropy_in_chunks_matches_tensorflow(
    layer: tuple[Any, Any, Any, Any], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked_cross_entropy, "MAX_LOGITS", rows * VOCABULARY)
    states, targets, kernel, bias = layer
    weights = [states, kernel, bias]

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def in_chunks() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = 0.5 * chunked_cross_entropy.summed_cross_entropy(*layer, "float32")
        return loss, chunked_cross_entropy.cross_entropies(*layer, "float32"), tape.gradient(loss, weights)

    with tf.GradientTape() as tape:
        tape.watch(weights)
        at_once = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, tf.matmul(states, kernel) + bias)
        half = 0.5 * tf.reduce_sum(at_once)
    loss, losses, gradients = in_chunks()
    np.testing.assert_allclose(loss, half, rtol=1e-5)
    np.testing.assert_allclose(losses, at_once, rtol=1e-5)
    for gradient, expected in zip(gradients, tape.gradient(half, weights), strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)


def test_adam_in_one_pass_matches_keras() -> None:
    random = np.random.default_rng(2)
    initial = random.normal(size=(4, 3)).astype(np.float32)
    gradients = random.normal(size=(5, 4, 3)).astype(np.float32)
    weights_after = []
    for optimizer in (Adam(0.1), keras.optimizers.Adam(0.1)):
        weight = keras.Variable(initial)
        optimizer.build([weight])
        for gradient in gradients:
            optimizer.apply([tf.constant(gradient)], [weight])
        weights_after.append(weight.numpy())
    np.testing.assert_allclose(*weights_after, atol=1e-5)
