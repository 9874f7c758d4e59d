"""Sampling and top-k in blocks match the plain computation."""

from __future__ import annotations

import numpy as np
import pytest

from autocakechat.plugins.trainers.cakechat.network.selection import (
    log_sum_exp,
    row_chunks,
    sample_categorical,
    softmax,
    top_k,
)


@pytest.mark.parametrize("size", [20, 256, 300])
def test_sampling_follows_the_probabilities(size: int) -> None:
    random = np.random.default_rng(size)
    weights = random.random(size).astype(np.float32)
    weights[::3] = 0.0
    uniforms = ((np.arange(20_000) + 0.5) / 20_000).astype(np.float32)
    sampled = sample_categorical(np.repeat(weights[None], len(uniforms), axis=0), uniforms)
    counts = np.bincount(sampled, minlength=size)
    assert counts[weights == 0.0].sum() == 0
    np.testing.assert_allclose(counts, weights / weights.sum() * len(uniforms), atol=2.0)


def test_extreme_uniform_numbers_sample_tokens_with_positive_probability() -> None:
    weights = np.array([[0.0, 0.4, 0.6, 0.0]] * 2, np.float32)
    assert sample_categorical(weights, np.array([0.0, 1.0 - 2.0**-24], np.float32)).tolist() == [1, 2]


@pytest.mark.parametrize("size", [10, 256, 300, 3000])
def test_top_k_in_blocks_matches_a_sort(size: int) -> None:
    values = np.random.default_rng(size).normal(size=(5, size)).astype(np.float32)
    values[0, size // 2 :] = values[0, 0]  # ties
    best, indices = top_k(values, 10)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :10]
    np.testing.assert_array_equal(best, np.take_along_axis(values, expected, axis=1))
    np.testing.assert_array_equal(np.take_along_axis(values, indices, axis=1), best)
    np.testing.assert_array_equal(indices[1:], expected[1:])


def test_softmax_of_large_logits() -> None:
    logits = np.array([[1000.0, 999.0, -np.inf], [0.0, 0.0, 0.0]], np.float32)
    np.testing.assert_allclose(log_sum_exp(logits), [1000.0 + np.log1p(np.exp(-1.0)), np.log(3.0)], rtol=1e-6)
    probabilities = softmax(logits.copy(), temperature=0.5)
    np.testing.assert_allclose(probabilities[0], [1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(2.0)), 0.0], rtol=1e-5)
    np.testing.assert_allclose(probabilities[1], [1 / 3] * 3, rtol=1e-6)


@pytest.mark.parametrize("rows", [0, 1, 100, 1000])
@pytest.mark.parametrize("vocabulary", [10, 50_000, 10_000_000])
def test_chunks_cover_all_rows(rows: int, vocabulary: int) -> None:
    covered = [row for chunk in row_chunks(rows, vocabulary) for row in range(rows)[chunk]]
    assert covered == list(range(rows))
