"""Word vectors to begin with."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest

from autocakechat import Corpus
from autocakechat.plugins.trainers.cakechat.data.samples import Lines
from autocakechat.plugins.trainers.cakechat.data.vocabulary import SERVICE_TOKENS, Vocabulary
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.training.word2vec import word_vectors
from tests.trainers.cakechat.conftest import SMALL, run_in


def test_word_vectors_are_the_same_each_time_and_know_neighbours() -> None:
    words = Vocabulary([*SERVICE_TOKENS, "cat", "dog", "one", "two", "unseen"])
    talk = [[4, 5, 4, 5], [5, 4, 5, 4], [6, 7, 6, 7], [7, 6, 7, 6]] * 200
    vectors, again = (word_vectors(Lines(talk), words, size=16, spread=0.5, seed=3) for _ in range(2))
    np.testing.assert_array_equal(vectors, again)
    unit = vectors[4:8] / np.linalg.norm(vectors[4:8], axis=1, keepdims=True)
    near = unit @ unit.T
    assert min(near[0, 1], near[2, 3]) > max(near[0, 2], near[0, 3], near[1, 2], near[1, 3])
    assert vectors[4:8].std() == pytest.approx(0.5, rel=1e-3)
    np.testing.assert_allclose(vectors[4:8].mean(axis=0), 0.0, atol=1e-6)
    assert not vectors[[words.pad, 8]].any()


def test_training_may_begin_with_word_vectors(corpus: Corpus, tmp_path: Path) -> None:
    metrics = train(attrs.evolve(SMALL, word2vec=True), corpus, tmp_path, run_in(tmp_path / "state"))
    assert metrics["perplexity"] < 0.9 * metrics["unigram_perplexity"]
