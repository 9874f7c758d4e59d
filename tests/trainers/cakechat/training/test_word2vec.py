"""Token embeddings from word2vec."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest

from autocakechat import Corpus
from autocakechat.plugins.trainers.cakechat.data.samples import Lines
from autocakechat.plugins.trainers.cakechat.data.vocabulary import SERVICE_TOKENS, Vocabulary
from autocakechat.plugins.trainers.cakechat.trainer_type import train
from autocakechat.plugins.trainers.cakechat.training.word2vec import word2vec_embeddings
from tests.trainers.cakechat.conftest import NETWORK, run_in


def test_embeddings_are_reproducible_and_similar_for_words_of_the_same_contexts() -> None:
    vocabulary = Vocabulary([*SERVICE_TOKENS, "cat", "dog", "one", "two", "unseen"])
    lines = [[4, 5, 4, 5], [5, 4, 5, 4], [6, 7, 6, 7], [7, 6, 7, 6]] * 200
    vectors, again = (
        word2vec_embeddings(Lines(lines), vocabulary, dimension=16, standard_deviation=0.5, seed=3) for _ in range(2)
    )
    np.testing.assert_array_equal(vectors, again)
    unit = vectors[4:8] / np.linalg.norm(vectors[4:8], axis=1, keepdims=True)
    cosine = unit @ unit.T
    assert min(cosine[0, 1], cosine[2, 3]) > max(cosine[0, 2], cosine[0, 3], cosine[1, 2], cosine[1, 3])
    assert vectors[4:8].std() == pytest.approx(0.5, rel=1e-3)
    np.testing.assert_allclose(vectors[4:8].mean(axis=0), 0.0, atol=1e-6)
    assert not vectors[[vocabulary.pad, 8]].any()


def test_a_network_trains_from_word2vec_embeddings(corpus: Corpus, tmp_path: Path) -> None:
    metrics = train(attrs.evolve(NETWORK, word2vec=True), corpus, tmp_path, run_in(tmp_path / "state"))
    assert metrics["perplexity"] < 0.9 * metrics["unigram_perplexity"]
