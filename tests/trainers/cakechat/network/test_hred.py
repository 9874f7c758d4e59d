"""The network has the outputs and the gradients of an implementation with Keras layers."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Packer, Padding
from autocakechat.plugins.trainers.cakechat.network import packed_gru
from autocakechat.plugins.trainers.cakechat.network.backend import keras, tf
from autocakechat.plugins.trainers.cakechat.network.hred import Network, NetworkSettings
from autocakechat.plugins.trainers.cakechat.network.output_layer import Float32OutputLayer
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Activation
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer
from tests.trainers.cakechat.network.reference import ACTIVATIONS, log_probabilities

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
    network = Network(settings, seed=1)
    for weight in network.trainable_variables:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    weights = {name: weight.numpy() for name, weight in network.named_weights().items()}

    line_numbers = np.arange(12, dtype=np.int32).reshape(4, 3)
    packer = Packer(padding, PAD, UNKNOWN, line_tokens=30)
    batch = packer.pack_batch(packer.pack_contexts(contexts.reshape(12, 6), line_numbers), condition, reply)
    scores, tokens = Scorer(network, Float32OutputLayer(network), PAD).score(batch)

    expected = log_probabilities(settings, weights, contexts, condition, reply, PAD, padding == "masked")
    real = reply[:, 1:] != PAD
    assert tokens.tolist() == real.sum(axis=1).tolist()
    np.testing.assert_allclose(scores, np.where(real, expected, 0.0).sum(axis=1), rtol=1e-5)


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
            outputs = packed_gru.scan(projected, batch_sizes, recurrent_kernel, bias[1], activation, reverse)
            loss = tf.reduce_sum(outputs[0] * tf.gather_nd(d_states, indices)) + tf.reduce_sum(outputs[1] * d_last)
        return outputs, tape.gradient(loss, [x, kernel, recurrent_kernel, bias])

    (packed_states, packed_last), gradients = run_packed()
    np.testing.assert_allclose(packed_states, states, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(packed_last, last, rtol=1e-4, atol=1e-5)
    for actual, keras_gradient in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(
            tf.convert_to_tensor(actual), tf.convert_to_tensor(keras_gradient), rtol=1e-4, atol=1e-5
        )


def test_decoding_step_by_step_matches_teacher_forcing() -> None:
    network = Network(SETTINGS, seed=4)
    tokens = np.array([2, 7, 9, 4], np.int32)
    thought = tf.random.stateless_normal([1, SETTINGS.hidden], [1, 2])
    condition = np.array([1], np.int32)
    teacher_forced = network.decode(tf.constant(tokens), tf.ones(4, tf.int32), thought, condition)

    states = (tf.zeros([1, SETTINGS.hidden]),) * 2
    static_input = network.project_static_input(thought, condition)
    for position, token in enumerate(tokens):
        states = network.step(tf.constant([token]), static_input, states)
        np.testing.assert_allclose(states[1][0], teacher_forced[position], rtol=1e-5, atol=1e-6)


def test_the_seed_determines_the_initial_weights() -> None:
    first, second, third = (Network(SETTINGS, seed).named_weights() for seed in (1, 1, 2))
    for name, weight in first.items():
        np.testing.assert_array_equal(weight.numpy(), second[name].numpy())
        if not name.endswith("bias"):
            assert np.abs(weight.numpy() - third[name].numpy()).max() > 0.01
