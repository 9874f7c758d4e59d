"""The loss in chunks is the loss at once, and so are its gradients; what is drawn and what is best is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.network import chunked_cross_entropy
from autocakechat.plugins.trainers.cakechat.network.backend import keras, tf
from autocakechat.plugins.trainers.cakechat.network.block_selection import sample_categorical, top_k
from autocakechat.plugins.trainers.cakechat.training.optimizer import Adam

VOCABULARY = 11


@pytest.fixture
def layer() -> tuple[Any, Any, Any, Any]:
    random = np.random.default_rng(1)
    states, kernel, bias = (tf.constant(random.normal(size=size), tf.float32) for size in ((7, 6), (6, 11), (11,)))
    return states, tf.constant(random.integers(0, VOCABULARY, 7), tf.int32), kernel, bias


@pytest.mark.parametrize("rows", [1, 3, 7, 100])
def test_the_loss_in_chunks_is_the_loss_at_once(
    layer: tuple[Any, Any, Any, Any], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked_cross_entropy, "MAX_LOGITS", rows * VOCABULARY)
    states, targets, kernel, bias = layer
    weights = [states, kernel, bias]

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def in_chunks() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = 0.5 * chunked_cross_entropy.summed_cross_entropy(*layer)
        return loss, chunked_cross_entropy.losses(*layer), tape.gradient(loss, weights)

    with tf.GradientTape() as tape:
        tape.watch(weights)
        at_once = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, tf.matmul(states, kernel) + bias)
        half = 0.5 * tf.reduce_sum(at_once)
    loss, losses, gradients = in_chunks()
    np.testing.assert_allclose(loss, half, rtol=1e-5)
    np.testing.assert_allclose(losses, at_once, rtol=1e-5)
    for found, expected in zip(gradients, tape.gradient(half, weights), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [20, 256, 300])
def test_tokens_are_drawn_as_often_as_they_are_likely(size: int) -> None:
    random = np.random.default_rng(size)
    probabilities = random.random(size).astype(np.float32)
    probabilities[::3] = 0.0
    probabilities /= probabilities.sum()
    chances = ((np.arange(20_000) + 0.5) / 20_000).astype(np.float32)
    drawn = sample_categorical(tf.repeat(probabilities[None], len(chances), axis=0), chances).numpy()
    counted = np.bincount(drawn, minlength=size)
    assert counted[probabilities == 0.0].sum() == 0
    np.testing.assert_allclose(counted, probabilities * len(chances), atol=2.0)


def test_chances_at_their_ends_draw_tokens_that_may_be_drawn() -> None:
    drawn = sample_categorical(tf.constant([[0.0, 0.4, 0.6, 0.0]] * 2), tf.constant([0.0, 1.0 - 2.0**-23]))
    assert drawn.numpy().tolist() == [1, 2]


@pytest.mark.parametrize("size", [10, 256, 300, 3000])
def test_the_best_of_blocks_are_the_best_of_all(size: int) -> None:
    amounts = np.random.default_rng(size).normal(size=(5, size)).astype(np.float32)
    amounts[0, size // 2 :] = amounts[0, 0]  # equals
    found, places = top_k(tf.constant(amounts), tf.constant(10))
    expected, there = tf.math.top_k(amounts, 10)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(places[1:], there[1:])


def test_adam_in_one_pass_is_adam() -> None:
    random = np.random.default_rng(2)
    first = random.normal(size=(4, 3)).astype(np.float32)
    gradients = random.normal(size=(5, 4, 3)).astype(np.float32)
    ended = []
    for optimizer in (Adam(0.1), keras.optimizers.Adam(0.1)):
        weight = keras.Variable(first)
        optimizer.build([weight])
        for gradient in gradients:
            optimizer.apply([tf.constant(gradient)], [weight])
        ended.append(weight.numpy())
    np.testing.assert_allclose(*ended, atol=1e-5)
