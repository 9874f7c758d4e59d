"""First vectors of tokens, learnt from which tokens stand near each other (Mikolov et al. 2013, arXiv 1310.4546)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from autocakechat.plugins.trainers.cakechat.data.samples import Lines
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Vocabulary

_WINDOW = 10


class _Sentences:
    """Lines as gensim wants them, which reads them several times."""

    def __init__(self, lines: Lines, vocabulary: Vocabulary) -> None:
        self._lines = lines
        self._vocabulary = vocabulary

    def __iter__(self) -> Iterator[list[str]]:
        tokens, ids = self._vocabulary.tokens, self._lines.tokens
        for start, length in zip(self._lines.starts, self._lines.lengths, strict=True):
            yield [tokens[number] for number in ids[start : start + length]]


def word_vectors(lines: Lines, vocabulary: Vocabulary, size: int, spread: float, seed: int) -> npt.NDArray[np.float32]:
    """Learns vectors as CakeChat does: skip-gram, ten tokens to each side.

    Of a small corpus they come out short and all in one direction, and a network that begins with them as they are
    learns more slowly than with none. So they are centred and stretched.

    Args:
        lines: What was said, as ids.
        vocabulary: The tokens.
        size: Numbers that stand for a token.
        spread: Standard deviation of their numbers.
        seed: The same seed gives the same vectors.

    Returns:
        (vocabulary, size). Tokens that are in no line have the mean of the others: zeros, as the pad token.
    """
    from gensim.models import Word2Vec

    learnt = Word2Vec(
        _Sentences(lines, vocabulary), vector_size=size, window=_WINDOW, sg=1, min_count=1, seed=seed, workers=1
    ).wv
    known = [number for number, token in enumerate(vocabulary.tokens) if token in learnt]
    found = learnt[[vocabulary.tokens[number] for number in known]]
    centred = found - found.mean(axis=0)
    vectors = np.zeros((len(vocabulary), size), np.float32)
    vectors[known] = centred * (spread / max(float(centred.std()), 1e-12))
    vectors[vocabulary.pad] = 0.0
    return vectors
