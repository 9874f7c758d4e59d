"""Cross-entropy in chunks, sampling and top-k in blocks, and Adam in one pass match the plain computation."""

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
            loss = 0.5 * chunked_cross_entropy.summed_cross_entropy(*layer)
        return loss, chunked_cross_entropy.cross_entropies(*layer), tape.gradient(loss, weights)

    with tf.GradientTape() as tape:
        tape.watch(weights)
        at_once = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, tf.matmul(states, kernel) + bias)
        half = 0.5 * tf.reduce_sum(at_once)
    loss, losses, gradients = in_chunks()
    np.testing.assert_allclose(loss, half, rtol=1e-5)
    np.testing.assert_allclose(losses, at_once, rtol=1e-5)
    for gradient, expected in zip(gradients, tape.gradient(half, weights), strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [20, 256, 300])
def test_sampling_follows_the_probabilities(size: int) -> None:
    random = np.random.default_rng(size)
    probabilities = random.random(size).astype(np.float32)
    probabilities[::3] = 0.0
    probabilities /= probabilities.sum()
    uniforms = ((np.arange(20_000) + 0.5) / 20_000).astype(np.float32)
    sampled = sample_categorical(tf.repeat(probabilities[None], len(uniforms), axis=0), uniforms).numpy()
    counts = np.bincount(sampled, minlength=size)
    assert counts[probabilities == 0.0].sum() == 0
    np.testing.assert_allclose(counts, probabilities * len(uniforms), atol=2.0)


def test_extreme_uniform_numbers_sample_tokens_with_positive_probability() -> None:
    sampled = sample_categorical(tf.constant([[0.0, 0.4, 0.6, 0.0]] * 2), tf.constant([0.0, 1.0 - 2.0**-23]))
    assert sampled.numpy().tolist() == [1, 2]


@pytest.mark.parametrize("size", [10, 256, 300, 3000])
def test_top_k_in_blocks_matches_tensorflow(size: int) -> None:
    values = np.random.default_rng(size).normal(size=(5, size)).astype(np.float32)
    values[0, size // 2 :] = values[0, 0]  # ties
    best, indices = top_k(tf.constant(values), tf.constant(10))
    expected, expected_indices = tf.math.top_k(values, 10)
    np.testing.assert_array_equal(best, expected)
    np.testing.assert_array_equal(indices[1:], expected_indices[1:])


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
