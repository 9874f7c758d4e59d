"""Formulas over words and scores. They depend on no model and no corpus.

Sources: perplexity as in CakeChat; distinct-n from Li et al. 2016 (arXiv 1510.03055), at a fixed number of
words as in CakeChat; TF-IDF with the smoothed weights that scikit-learn documents.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.interface.model import Score
from autocakechat.retrieval.word_vectors import rarity
from autocakechat.text import UNSPACED_SCRIPTS

WordList = Sequence[str]

_DRAWS = 20

# In scripts without spaces between words, each character counts as a word.
_WORD = re.compile(rf"[{UNSPACED_SCRIPTS}]|[^\W{UNSPACED_SCRIPTS}]+|[^\w\s]")


def split_words(text: str) -> list[str]:
    """Splits text into lower-case words and single punctuation marks: the same units for all models."""
    return _WORD.findall(text.lower())


def normalized(text: str) -> str:
    """Returns a text that is equal for texts that differ only in case and white space."""
    return " ".join(split_words(text))


def perplexity(scores: Sequence[Score], intervals: Intervals) -> Interval:
    """Returns the perplexity of several replies: exp(-1/N Σ log p), N tokens in all; undefined without tokens.

    A perplexity of k means that the model is as uncertain about each token as about the throw of a k-sided die.
    """
    return intervals.ratio([-score.log_p for score in scores], [score.tokens for score in scores], _exp)


def mean_perplexity(scores: Sequence[Score], intervals: Intervals) -> Interval:
    """Returns CakeChat's metric: the mean over replies of exp(-1/n log p), n tokens each; undefined without tokens."""
    return intervals.mean([_exp(-score.log_p / score.tokens) if score.tokens else None for score in scores])


def mean(values: Iterable[float]) -> float | None:
    """Returns the mean, or None without values."""
    values = list(values)
    return math.fsum(values) / len(values) if values else None


def distinct(replies: Sequence[WordList], n: int, size: int, seed: int) -> float | None:
    """Returns distinct-n: the number of different n-grams divided by the number of all n-grams.

    More words contain more repeated n-grams, so distinct-n is comparable only at equal numbers of words. Replies are
    drawn in random order until they have `size` words; the result is the mean over several draws.

    Args:
        replies: The words of each reply. No n-gram crosses from one reply into the next.
        n: The number of words of an n-gram.
        size: The number of words to draw.
        seed: The seed of the draws.

    Returns:
        A value from 0 to 1, or None if there is no n-gram.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    ratios = []
    for _ in range(_DRAWS):
        drawn = _first_words(rng.sample(replies, len(replies)), size)
        ngrams = [tuple(reply[start : start + n]) for reply in drawn for start in range(len(reply) - n + 1)]
        if ngrams:
            ratios.append(len(set(ngrams)) / len(ngrams))
    return mean(ratios)


class Lexicon:
    """The words of a person's replies, with their TF-IDF weights.

    Args:
        replies: The words of each reply.
    """

    def __init__(self, replies: Iterable[WordList]) -> None:
        self._counts: Counter[str] = Counter()
        self._document_frequency: Counter[str] = Counter()
        self._documents = 0
        for reply in replies:
            self._counts.update(reply)
            self._document_frequency.update(set(reply))
            self._documents += 1
        self._own = self._tf_idf(self._counts)
        self._own_norm = math.hypot(*self._own.values())

    def similarity(self, replies: Iterable[WordList]) -> float | None:
        """Returns the cosine of two TF-IDF vectors: that of some replies, and that of all replies of the person.

        Args:
            replies: The words of each reply.

        Returns:
            A value from 0 (no word in common) to 1, or None without words.
        """
        compared = self._tf_idf(Counter(chain.from_iterable(replies)))
        norm = math.hypot(*compared.values()) * self._own_norm
        if not norm:
            return None
        return math.fsum(weight * self._own.get(word, 0.0) for word, weight in compared.items()) / norm

    def _tf_idf(self, counts: Counter[str]) -> dict[str, float]:
        """Returns tf(w) · idf(w), with idf(w) = ln((1 + N) / (1 + df(w))) + 1 over N replies."""
        return {
            word: count * (rarity(self._document_frequency[word], self._documents) + 1)
            for word, count in counts.items()
        }


def _first_words(replies: Iterable[WordList], size: int) -> list[WordList]:
    """Returns the first replies with `size` words in all; the last one is cut."""
    taken: list[WordList] = []
    for reply in replies:
        if size <= 0:
            break
        taken.append(reply[:size])
        size -= len(reply)
    return taken


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
