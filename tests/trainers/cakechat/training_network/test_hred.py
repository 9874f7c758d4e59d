"""The network in TensorFlow has the outputs and the gradients of an implementation with Keras layers."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Packer, Padding
from autocakechat.plugins.trainers.cakechat.network.settings import Activation, NetworkSettings
from autocakechat.plugins.trainers.cakechat.training_network import packed_gru
from autocakechat.plugins.trainers.cakechat.training_network.backend import keras, tf
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.scorer import BatchScorer
from tests.trainers.cakechat.training_network.reference import ACTIVATIONS, log_probabilities

PAD, UNKNOWN = 0, 1
SETTINGS = NetworkSettings(
    tokens=20, conditions=3, embedding=5, condition_embedding=4, hidden=7, recurrent_activation="sigmoid"
)


def random_ids(random: np.random.Generator, rows: int, width: int) -> np.ndarray[Any, Any]:
    """Returns rows of tokens, padded at the end; some are empty."""
    ids = random.integers(2, SETTINGS.tokens, (rows, width))
    return np.where(np.arange(width) < random.integers(0, width + 1, rows)[:, None], ids, PAD).astype(np.int32)


@pytest.mark.parametrize("activation", ["sigmoid", "hard-sigmoid"])
@pytest.mark.parametrize("padding", ["masked", "cakechat"])
def test_scores_match_keras_layers(padding: Padding, activation: Activation) -> None:
    random = np.random.default_rng(5)
    contexts = random_ids(random, 4 * 3, 6).reshape(4, 3, 6)
    contexts[:, -1, 0] = 9
    reply = random_ids(random, 4, 8)
    reply[:, :2] = [2, 5]
    condition = np.array([0, 1, 2, 1], np.int32)
    settings = attrs.evolve(SETTINGS, recurrent_activation=activation)
    network = TrainableNetwork(settings, seed=1)
    for weight in network.trainable_variables:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    weights = {name: weight.numpy() for name, weight in network.named_weights().items()}

    line_numbers = np.arange(12, dtype=np.int32).reshape(4, 3)
    packer = Packer(padding, PAD, UNKNOWN, line_tokens=30)
    batch = packer.pack_batch(packer.pack_contexts(contexts.reshape(12, 6), line_numbers), condition, reply)
    log_p, tokens = BatchScorer(network, PAD)(batch)

    expected = log_probabilities(settings, weights, contexts, condition, reply, PAD, padding == "masked")
    real = reply[:, 1:] != PAD
    assert tokens == real.sum()
    assert log_p == pytest.approx(expected[real].sum(), rel=1e-5)


@pytest.mark.parametrize("activation", ["sigmoid", "hard-sigmoid"])
@pytest.mark.parametrize("reverse", [False, True])
def test_packed_gru_has_the_states_and_gradients_of_keras_gru(activation: Activation, reverse: bool) -> None:
    random = np.random.default_rng(3)
    time, sequences, inputs, units = 7, 4, 5, 6
    lengths = np.array([7, 5, 3, 1])
    batch_sizes = tf.constant([(lengths > t).sum() for t in range(time)], tf.int32)
    indices = [(row, t) for t in range(time) for row in range(sequences) if t < lengths[row]]

    def normal(*shape: int) -> Any:
        return tf.constant(random.normal(size=shape).astype(np.float32))

    layer = keras.layers.GRU(
        units,
        reset_after=True,
        recurrent_activation=ACTIVATIONS[activation],
        return_sequences=True,
        return_state=True,
        go_backwards=reverse,
    )
    layer.build((sequences, time, inputs))
    layer.cell.bias.assign(normal(2, 3 * units))
    kernel, recurrent_kernel, bias = (weight.value for weight in layer.trainable_variables)
    x, d_states, d_last = normal(sequences, time, inputs), normal(sequences, time, units), normal(sequences, units)

    with tf.GradientTape() as tape:
        tape.watch(x)
        states, last = layer(x, mask=tf.constant(np.arange(time) < lengths[:, None]))
        states = tf.reverse(states, [1]) if reverse else states
        states = tf.gather_nd(states, indices)
        loss = tf.reduce_sum(states * tf.gather_nd(d_states, indices)) + tf.reduce_sum(last * d_last)
    expected = tape.gradient(loss, [x, kernel, recurrent_kernel, bias])

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run_packed() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            projected = tf.matmul(tf.gather_nd(x, indices), kernel) + bias[0]
            weights = recurrent_kernel, bias[1]
            outputs = packed_gru.scan(projected, batch_sizes, *weights, activation, reverse, "float32")
            loss = tf.reduce_sum(outputs[0] * tf.gather_nd(d_states, indices)) + tf.reduce_sum(outputs[1] * d_last)
        return outputs, tape.gradient(loss, [x, kernel, recurrent_kernel, bias])

    (packed_states, packed_last), gradients = run_packed()
    np.testing.assert_allclose(packed_states, states, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(packed_last, last, rtol=1e-4, atol=1e-5)
    for actual, keras_gradient in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(
            tf.convert_to_tensor(actual), tf.convert_to_tensor(keras_gradient), rtol=1e-4, atol=1e-5
        )


def test_the_seed_determines_the_initial_weights() -> None:
    first, second, third = (TrainableNetwork(SETTINGS, seed).named_weights() for seed in (1, 1, 2))
    for name, weight in first.items():
        np.testing.assert_array_equal(weight.numpy(), second[name].numpy())
        if not name.endswith("bias"):
            assert np.abs(weight.numpy() - third[name].numpy()).max() > 0.01
