"""Token embeddings trained with word2vec: skip-gram (Mikolov et al. 2013, arXiv 1301.3781 and 1310.4546)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from autocakechat.plugins.trainers.cakechat.data.samples import Lines
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Vocabulary

_WINDOW = 10
"""Context tokens on each side, as in the original CakeChat."""


class _Sentences:
    """Iterates over lines as lists of tokens, any number of times, as gensim requires."""

    def __init__(self, lines: Lines, vocabulary: Vocabulary) -> None:
        self._lines = lines
        self._vocabulary = vocabulary

    def __iter__(self) -> Iterator[list[str]]:
        tokens, ids = self._vocabulary.tokens, self._lines.tokens
        for start, length in zip(self._lines.starts, self._lines.lengths, strict=True):
            yield [tokens[token_id] for token_id in ids[start : start + length]]


def word2vec_embeddings(
    lines: Lines, vocabulary: Vocabulary, dimension: int, standard_deviation: float, seed: int
) -> npt.NDArray[np.float32]:
    """Trains a skip-gram model on the lines of a corpus.

    On a small corpus the vectors are short and share one direction, and a network initialised with them learns more
    slowly than one with random embeddings. The vectors v are therefore centered and rescaled: v' = s (v - mean) / std.

    Args:
        lines: Token ids of all lines.
        vocabulary: The vocabulary.
        dimension: Embedding dimension.
        standard_deviation: s, over all components of the result.
        seed: Seed of the training; equal seeds give equal vectors.

    Returns:
        (vocabulary, dimension). The pad token and tokens that occur in no line get zeros, the mean of the others.
    """
    from gensim.models import Word2Vec

    sentences = _Sentences(lines, vocabulary)
    model = Word2Vec(sentences, vector_size=dimension, window=_WINDOW, sg=1, min_count=1, seed=seed, workers=1)
    known_ids = [token_id for token_id, token in enumerate(vocabulary.tokens) if token in model.wv]
    trained = model.wv[[vocabulary.tokens[token_id] for token_id in known_ids]]
    centered = trained - trained.mean(axis=0)
    embeddings = np.zeros((len(vocabulary), dimension), np.float32)
    embeddings[known_ids] = centered * (standard_deviation / max(float(centered.std()), 1e-12))
    embeddings[vocabulary.pad] = 0.0
    return embeddings
