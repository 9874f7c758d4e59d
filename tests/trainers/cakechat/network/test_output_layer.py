"""The output layer in 8-bit integers beside the one of float32."""

from __future__ import annotations

import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats
from autocakechat.plugins.trainers.cakechat.inference.beam_search import BeamSearch
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network import int8_output_layer
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.hred import Network, NetworkSettings
from autocakechat.plugins.trainers.cakechat.network.int8_output_layer import Int8OutputLayer, fastest_output_layer
from autocakechat.plugins.trainers.cakechat.network.output_layer import Float32OutputLayer, OutputLayer

TOKENS, HIDDEN = 3000, 64


@pytest.fixture(scope="module")
def network() -> Network:
    """One whose logits differ as much as those of a trained one."""
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
def eight_bits(network: Network) -> Int8OutputLayer:
    found = fastest_output_layer(network)
    if not isinstance(found, Int8OutputLayer):
        pytest.skip("this processor has no fast products of 8-bit integers")
    return found


@pytest.fixture(scope="module")
def states() -> Floats:
    return np.random.default_rng(4).uniform(-1.0, 1.0, (40, HIDDEN)).astype(np.float32)


def test_logits_are_off_by_hundredths(network: Network, eight_bits: Int8OutputLayer, states: Floats) -> None:
    exact = network.logits(states).numpy()
    rough = tf.function(eight_bits.logits)(states).numpy()
    assert exact.std() > 2
    assert 0 < np.abs(rough - exact).max() < 0.2
    assert np.abs((rough - exact).mean()) < 0.01


def test_losses_are_off_by_thousandths(network: Network, eight_bits: Int8OutputLayer, states: Floats) -> None:
    targets = np.random.default_rng(5).integers(TOKENS, size=len(states)).astype(np.int32)
    targets[::2] = network.logits(states).numpy().argmax(axis=1)[::2]  # both likely and unlikely ones
    exact = Float32OutputLayer(network).losses(states, targets).numpy()
    rough = tf.function(eight_bits.losses)(states, targets).numpy()
    assert exact[::2].max() < exact[1::2].min()
    np.testing.assert_allclose(rough, exact, atol=0.01)


def test_beams_are_those_of_float32(network: Network, eight_bits: Int8OutputLayer) -> None:
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
        return [found.tolist() for found in search.search(thoughts, np.zeros(8, np.int32), rules, beams=5)]

    assert beams(eight_bits) == beams(Float32OutputLayer(network))


def test_where_sums_would_overflow_floats_are_multiplied(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    product = int8_output_layer._product
    monkeypatch.setattr(
        int8_output_layer, "_product", lambda left, right: tf.minimum(product(left, right), (1 << 15) - 1)
    )
    monkeypatch.setattr(
        int8_output_layer, "_multiplies_eight_bits", int8_output_layer._multiplies_eight_bits.__wrapped__
    )
    assert type(fastest_output_layer(network)) is Float32OutputLayer
