"""Measures of answers, as formulas over words, scores and ranks. None of them knows a model or a corpus.

Sources: perplexity and ranking as CakeChat measures them; distinct-n from Li et al. 2016 (arXiv 1510.03055), at a fixed
number of words as CakeChat takes it; TF-IDF with the smoothed weights that scikit-learn documents.
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

Tokens = Sequence[str]

_SHUFFLES = 20

# Scripts that write no blanks between words: each of their characters counts as a word.
_SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_WORD = re.compile(rf"[{_SINGLE}]|[^\W{_SINGLE}]+|[^\w\s]")


def words(text: str) -> list[str]:
    """Cuts text into lower-case words and single signs, so that all models are measured in the same units."""
    return _WORD.findall(text.lower())


def perplexity(scores: Sequence[Score]) -> float | None:
    """Returns exp(-sum of log p / number of tokens) over all answers; None where there are no tokens.

    Like a die with so many sides the model is surprised by each token.
    """
    tokens = sum(score.tokens for score in scores)
    return _exp(-math.fsum(score.log_p for score in scores) / tokens) if tokens else None


def mean_perplexity(scores: Sequence[Score]) -> float | None:
    """Returns CakeChat's measure: the mean over answers of exp(-log p / number of tokens). None where there is none."""
    each = [_exp(-score.log_p / score.tokens) for score in scores if score.tokens]
    return math.fsum(each) / len(each) if each else None


@attrs.frozen
class Rank:
    """Where the true answer stands among candidates.

    Attributes:
        better: How many candidates stand before it.
        equal: How many stand in the same place, itself included. Its rank is any of theirs, each as likely.
    """

    better: int
    equal: int = 1

    @classmethod
    def of_first(cls, scores: Sequence[float]) -> Rank:
        """Ranks the first of some candidates by their scores, the highest being the best."""
        true = scores[0]
        return cls(sum(score > true for score in scores), sum(score == true for score in scores))

    @property
    def average_precision(self) -> float:
        """One relevant answer at rank r has the average precision 1 / r; expected over ties."""
        return math.fsum(1 / (self.better + place) for place in range(1, self.equal + 1)) / self.equal

    def recall(self, k: int) -> float:
        """Returns whether the answer is among the first `k`, 0 or 1; expected over ties."""
        return min(max(k - self.better, 0), self.equal) / self.equal


def mean(values: Iterable[float]) -> float | None:
    """Returns the mean, or None of nothing."""
    values = list(values)
    return math.fsum(values) / len(values) if values else None


def standard_error(values: Sequence[float]) -> float | None:
    """Returns the standard error of the mean of independent values, None of fewer than two."""
    if len(values) < 2:
        return None
    middle = math.fsum(values) / len(values)
    variance = math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(variance / len(values))


def distinct(answers: Sequence[Tokens], n: int, size: int, seed: int) -> float | None:
    """Returns distinct-n: the number of different n-grams over the number of all.

    The more words, the more n-grams are repetitions. So texts can only be compared at the same number of words: answers
    are drawn in random order until there are `size`, some times over, and the mean of those is the measure.

    Args:
        answers: The words of each answer. No n-gram reaches from one into the next.
        n: Words in an n-gram.
        size: Words to look at.
        seed: For the order.

    Returns:
        From 0 to 1, or None if there is no n-gram.
    """
    order = random.Random(seed)  # noqa: S311 - no secrets
    ratios = []
    for _ in range(_SHUFFLES):
        drawn = _first_words(order.sample(answers, len(answers)), size)
        grams = [tuple(answer[start : start + n]) for answer in drawn for start in range(len(answer) - n + 1)]
        if grams:
            ratios.append(len(set(grams)) / len(grams))
    return mean(ratios)


class Lexicon:
    """The words of a person, and how much each of them tells.

    Args:
        answers: The words of each answer.
    """

    def __init__(self, answers: Iterable[Tokens]) -> None:
        self._counts: Counter[str] = Counter()
        self._answers_with: Counter[str] = Counter()
        self._answers = 0
        for answer in answers:
            self._counts.update(answer)
            self._answers_with.update(set(answer))
            self._answers += 1

    def similarity(self, answers: Iterable[Tokens]) -> float | None:
        """Returns the lexical similarity: the cosine of the TF-IDF vectors of some answers and of all of the person.

        Args:
            answers: The words of each answer.

        Returns:
            From 0 (no word in common) to 1, or None if there are no words.
        """
        theirs = self._vector(Counter(chain.from_iterable(answers)))
        own = self._vector(self._counts)
        length = math.hypot(*theirs.values()) * math.hypot(*own.values())
        return math.fsum(weight * own.get(word, 0.0) for word, weight in theirs.items()) / length if length else None

    def _vector(self, counts: Counter[str]) -> dict[str, float]:
        """Each word's count times ln((1 + answers) / (1 + answers with it)) + 1."""
        answers = 1 + self._answers
        return {
            word: count * (math.log(answers / (1 + self._answers_with[word])) + 1) for word, count in counts.items()
        }


def _first_words(answers: Iterable[Tokens], size: int) -> list[Tokens]:
    taken: list[Tokens] = []
    for answer in answers:
        if size <= 0:
            break
        taken.append(answer[:size])
        size -= len(answer)
    return taken


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
