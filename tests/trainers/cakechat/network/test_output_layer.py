"""The 8-bit output layer against the float32 output layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats
from autocakechat.plugins.trainers.cakechat.inference.beam_search import BeamSearch
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.hred import Network, NetworkSettings
from autocakechat.plugins.trainers.cakechat.network.int8_output_layer import (
    Int8OutputLayer,
    fastest_output_layer,
    integer_product,
)
from autocakechat.plugins.trainers.cakechat.network.output_layer import Float32OutputLayer, OutputLayer

TOKENS, HIDDEN = 3000, 64


@pytest.fixture(scope="module")
def network() -> Network:
    """A network whose logits vary as much as those of a trained network."""
    settings = NetworkSettings(
        tokens=TOKENS,
        conditions=1,
        embedding=16,
        condition_embedding=1,
        hidden=HIDDEN,
        recurrent_activation="sigmoid",
    )
    network = Network(settings, seed=3)
    random = np.random.default_rng(3)
    network.output_kernel.assign(random.normal(0.0, 0.5, (HIDDEN, TOKENS)).astype(np.float32))
    network.output_bias.assign(random.normal(-2.0, 2.0, TOKENS).astype(np.float32))
    return network


@pytest.fixture(scope="module")
def int8(network: Network) -> Int8OutputLayer:
    output = fastest_output_layer(network)
    if not isinstance(output, Int8OutputLayer):
        pytest.skip("this processor has no 8-bit integer products with 32-bit sums")
    return output


@pytest.fixture(scope="module")
def states() -> Floats:
    return np.random.default_rng(4).uniform(-1.0, 1.0, (40, HIDDEN)).astype(np.float32)


def test_int8_logits_have_errors_of_hundredths(network: Network, int8: Int8OutputLayer, states: Floats) -> None:
    exact = network.logits(states).numpy()
    approximate = tf.function(int8.logits)(states).numpy()
    assert exact.std() > 2
    assert 0 < np.abs(approximate - exact).max() < 0.2
    assert np.abs((approximate - exact).mean()) < 0.01


def test_int8_cross_entropies_have_errors_of_thousandths(
    network: Network, int8: Int8OutputLayer, states: Floats
) -> None:
    targets = np.random.default_rng(5).integers(TOKENS, size=len(states)).astype(np.int32)
    targets[::2] = network.logits(states).numpy().argmax(axis=1)[::2]  # both likely and unlikely ones
    exact = Float32OutputLayer(network).cross_entropies(states, targets).numpy()
    approximate = tf.function(int8.cross_entropies)(states, targets).numpy()
    assert exact[::2].max() < exact[1::2].min()
    np.testing.assert_allclose(approximate, exact, atol=0.01)


def test_int8_beams_match_float32(network: Network, int8: Int8OutputLayer) -> None:
    words = TokenRules(
        start=1,
        end=2,
        pad=0,
        logit_bias=np.zeros(TOKENS, np.float32),
        penalty_mask=np.ones(TOKENS, np.float32),
    )
    rules = DecodingOptions(max_tokens=6, temperature=1.0, repetition_penalty=10.0)
    thoughts = np.random.default_rng(6).uniform(-1.0, 1.0, (8, HIDDEN)).astype(np.float32)

    def beams(output: OutputLayer) -> list[list[list[int]]]:
        search = BeamSearch(network, output, words)
        return [candidates.tolist() for candidates in search.search(thoughts, np.zeros(8, np.int32), rules, beams=5)]

    assert beams(int8) == beams(Float32OutputLayer(network))


def test_float32_is_used_if_the_integer_sums_overflow(network: Network) -> None:
    def saturating(left: Any, right: Any) -> Any:
        return tf.minimum(integer_product(left, right), (1 << 15) - 1)

    assert type(fastest_output_layer(network, saturating)) is Float32OutputLayer
