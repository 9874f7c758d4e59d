"""The network in NumPy computes what the network in TensorFlow computes, which was trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch, Packer, Padding, unpack_replies
from autocakechat.plugins.trainers.cakechat.network.gru import GRU
from autocakechat.plugins.trainers.cakechat.network.multiplier import Multiplier
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer
from autocakechat.plugins.trainers.cakechat.network.settings import Activation, NetworkSettings
from autocakechat.plugins.trainers.cakechat.training_network import packed_gru
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.chunked_cross_entropy import cross_entropies
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.scorer import decoder_outputs, thought_vectors
from autocakechat.plugins.trainers.cakechat.training_network.weights import to_numpy

PAD, UNKNOWN, START = 0, 1, 2

ACTIVATIONS: list[Activation] = ["sigmoid", "hard-sigmoid"]
PADDINGS: list[Padding] = ["masked", "cakechat"]


def assert_close(actual: Any, expected: Any) -> None:
    """Checks that the greatest difference is at most 1e-5 of the greatest value."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def random_network(random: np.random.Generator, activation: Activation, shared: bool = False) -> TrainableNetwork:
    """Returns a network of random sizes with random weights."""
    tokens, conditions, embedding, condition_embedding, hidden = random.integers([5, 1, 1, 1, 1], [900, 6, 40, 20, 70])
    settings = NetworkSettings(
        tokens=int(tokens),
        conditions=int(conditions),
        embedding=int(embedding),
        condition_embedding=int(condition_embedding),
        hidden=int(hidden),
        recurrent_activation=activation,
        shared_embedding=shared,
    )
    network = TrainableNetwork(settings, seed=None)
    for weight in network.trainable_variables:
        weight.assign(random.normal(scale=weight.shape[0] ** -0.5, size=weight.shape))
    return network


def random_ids(random: np.random.Generator, tokens: int, rows: int, width: int) -> Any:
    """Returns rows of tokens, padded at the end; some are empty, some are full."""
    ids = random.integers(3, tokens, (rows, width))
    return np.where(np.arange(width) < random.integers(0, width + 1, rows)[:, None], ids, PAD).astype(np.int32)


def random_batch(random: np.random.Generator, settings: NetworkSettings, padding: Padding) -> Batch:
    samples, lines, width, reply_width = random.integers([1, 1, 1, 2], [12, 5, 12, 14])
    context = random_ids(random, settings.tokens, samples * lines, width).reshape(samples, lines, width)
    reply = random_ids(random, settings.tokens, samples, reply_width)
    reply[:, :2] = [START, 3]
    condition = random.integers(0, settings.conditions, samples).astype(np.int32)
    packer = Packer(padding, PAD, UNKNOWN, line_tokens=30)
    return packer.pack_batch(packer.pack_context_ids(context), condition, reply)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shared", [False, True])
def test_thought_vectors_outputs_logits_and_scores(
    shared: bool, seed: int, padding: Padding, activation: Activation
) -> None:
    random = np.random.default_rng(seed)
    trained = random_network(random, activation, shared)
    batch = random_batch(random, trained.settings, padding)
    network = to_numpy(trained)

    thoughts = network.encode_contexts(batch.context)
    trained_thoughts = thought_vectors(trained, batch.context)
    assert_close(thoughts, trained_thoughts)
    outputs = network.decode(thoughts, batch.replies)
    trained_outputs = decoder_outputs(trained, trained_thoughts, batch.replies)
    assert_close(outputs, trained_outputs)
    assert_close(network.logits(outputs), tf.matmul(trained_outputs, trained.output_kernel) + trained.output_bias)

    log_p, tokens = Scorer(network, PAD).score(batch)
    losses = cross_entropies(
        trained_outputs, batch.replies.targets, trained.output_kernel, trained.output_bias, "float32"
    )
    real = batch.replies.targets != PAD
    width = len(batch.replies.inputs.batch_sizes)
    expected = unpack_replies(np.where(real, -np.asarray(losses), 0.0), batch.replies, width).sum(axis=1)
    np.testing.assert_allclose(log_p, expected, rtol=1e-5)
    assert tokens.tolist() == unpack_replies(real, batch.replies, width).sum(axis=1).tolist()


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("seed", range(4))
def test_similarities(seed: int, padding: Padding) -> None:
    random = np.random.default_rng(seed)
    trained = random_network(random, "sigmoid", shared=True)
    contexts = random_batch(random, trained.settings, padding).context
    network = to_numpy(trained)

    replies = network.encode_replies(contexts.lines)
    similarities = network.similarity_vectors(network.encode_contexts(contexts)) @ replies.T
    encoded = trained.encode_lines(*contexts.lines)
    assert_close(similarities, trained.similarities(thought_vectors(trained, contexts), encoded))
    np.testing.assert_allclose(np.linalg.norm(replies, axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("frequent", [3, 7, 1000])
def test_scores_among_the_frequent_tokens(frequent: int) -> None:
    """A token competes with the frequent tokens only."""
    random = np.random.default_rng(5)
    network = to_numpy(random_network(random, "sigmoid"))
    batch = random_batch(random, network.settings, "masked")
    states = network.decode(network.encode_contexts(batch.context), batch.replies)
    logits = network.logits(states)
    expected = []
    for row, target in zip(logits, batch.replies.targets, strict=True):
        competitors = {*range(min(frequent, len(row))), int(target)}
        counts = target != PAD
        expected.append(counts * (row[target] - np.log(np.exp(row[[*competitors]].astype(np.float64)).sum())))
    by_sample = unpack_replies(np.array(expected), batch.replies, len(batch.replies.inputs.batch_sizes)).sum(axis=1)
    log_p, _ = Scorer(network, PAD, frequent).score(batch)
    np.testing.assert_allclose(log_p, by_sample, rtol=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("reverse", [False, True])
def test_states_of_a_gru(activation: Activation, reverse: bool) -> None:
    random = np.random.default_rng(3)
    units, batch_sizes = 6, np.array([5, 5, 3, 2, 2, 1], np.int32)
    shapes = [(units, 3 * units), (2, 3 * units), (batch_sizes.sum(), 3 * units)]
    kernel, bias, projected = (random.normal(scale=2.0, size=shape).astype(np.float32) for shape in shapes)
    states, last = GRU(kernel, kernel, bias, activation, Multiplier()).scan(projected, batch_sizes, reverse)
    expected, expected_last = packed_gru.scan(projected, batch_sizes, kernel, bias[1], activation, reverse, "float32")
    assert_close(states, expected)
    assert_close(last, expected_last)


@pytest.mark.parametrize("rows", [1, 3, 4, 20])
@pytest.mark.parametrize("shared", [False, True])
def test_decoding_step_by_step_matches_teacher_forcing(shared: bool, rows: int) -> None:
    random = np.random.default_rng(rows)
    network = to_numpy(random_network(random, "sigmoid", shared))
    settings = network.settings
    thoughts = random.normal(size=(rows, settings.thought_size)).astype(np.float32)
    condition = random.integers(0, settings.conditions, rows).astype(np.int32)
    reply = random.integers(3, settings.tokens, (rows, 5)).astype(np.int32)
    replies = Packer("masked", PAD, UNKNOWN, line_tokens=30).pack_replies(condition, reply)
    teacher_forced = unpack_replies(network.decode(thoughts, replies), replies, 4)  # (rows, 4, output size)

    static_input = network.project_static_input(thoughts, condition)
    states = network.first_states(rows)
    for position in range(4):
        states = network.step(reply[:, position], static_input, states)
        assert_close(states.output, teacher_forced[:, position])
