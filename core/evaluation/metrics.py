"""Formulas over words, scores and ranks. They depend on no model and no corpus.

Sources: perplexity and ranking as in CakeChat; distinct-n from Li et al. 2016 (arXiv 1510.03055), at a fixed number of
words as in CakeChat; TF-IDF with the smoothed weights that scikit-learn documents.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import attrs

from autocakechat.interface.model import Score

WordList = Sequence[str]

_DRAWS = 20

# Scripts without spaces between words: each character counts as a word.
_SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_WORD = re.compile(rf"[{_SINGLE}]|[^\W{_SINGLE}]+|[^\w\s]")


def split_words(text: str) -> list[str]:
    """Splits text into lower-case words and single punctuation marks: the same units for all models."""
    return _WORD.findall(text.lower())


def perplexity(scores: Sequence[Score]) -> float | None:
    """Returns the perplexity of several replies: exp(-1/N Σ log p), N tokens in all; None without tokens.

    A perplexity of k means that the model is as uncertain about each token as about the throw of a k-sided die.
    """
    tokens = sum(score.tokens for score in scores)
    return _exp(-math.fsum(score.log_p for score in scores) / tokens) if tokens else None


def mean_perplexity(scores: Sequence[Score]) -> float | None:
    """Returns CakeChat's metric: the mean over replies of exp(-1/n log p), n tokens each; None without tokens."""
    perplexities = [_exp(-score.log_p / score.tokens) for score in scores if score.tokens]
    return mean(perplexities)


@attrs.frozen
class Rank:
    """The rank of the true reply among candidates, with ties.

    Attributes:
        better: The number of candidates with a higher score.
        equal: The number of candidates with the same score, the true reply included. Each order of these is equally
            likely, so metrics are expectations over them.
    """

    better: int
    equal: int = 1

    @classmethod
    def of_first(cls, scores: Sequence[float]) -> Rank:
        """Ranks the first of several candidates by score; higher is better."""
        true = scores[0]
        return cls(sum(score > true for score in scores), sum(score == true for score in scores))

    @property
    def average_precision(self) -> float:
        """The average precision, 1 / rank for a single relevant candidate, in expectation over ties."""
        return math.fsum(1 / (self.better + place) for place in range(1, self.equal + 1)) / self.equal

    def recall(self, k: int) -> float:
        """Returns recall@k: 1 if the true reply is among the first k, else 0, in expectation over ties."""
        return min(max(k - self.better, 0), self.equal) / self.equal


def mean(values: Iterable[float]) -> float | None:
    """Returns the mean, or None without values."""
    values = list(values)
    return math.fsum(values) / len(values) if values else None


def margin_of_error(values: Iterable[float]) -> float | None:
    """Returns half the width of the 95 % confidence interval of the mean: two standard errors, 2 s / √n.

    None for fewer than two values.
    """
    values = list(values)
    if len(values) < 2:
        return None
    average = math.fsum(values) / len(values)
    variance = math.fsum((value - average) ** 2 for value in values) / (len(values) - 1)
    return 2 * math.sqrt(variance / len(values))


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

    def similarity(self, replies: Iterable[WordList]) -> float | None:
        """Returns the cosine of two TF-IDF vectors: that of some replies, and that of all replies of the person.

        Args:
            replies: The words of each reply.

        Returns:
            A value from 0 (no word in common) to 1, or None without words.
        """
        compared = self._tf_idf(Counter(chain.from_iterable(replies)))
        own = self._tf_idf(self._counts)
        norm = math.hypot(*compared.values()) * math.hypot(*own.values())
        if not norm:
            return None
        return math.fsum(weight * own.get(word, 0.0) for word, weight in compared.items()) / norm

    def _tf_idf(self, counts: Counter[str]) -> dict[str, float]:
        """Returns tf(w) · idf(w), with idf(w) = ln((1 + N) / (1 + df(w))) + 1 over N replies."""
        documents = 1 + self._documents
        return {
            word: count * (math.log(documents / (1 + self._document_frequency[word])) + 1)
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
