"""Counts the dialogs of a corpus while they are written, and picks some of their pairs."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence

import attrs

from autocakechat.interface.corpus import Utterance

_MOST_SAMPLES = 20
# Stands between texts; hardly a text has it.
_END = "\0"
_ENCODED_END = _END.encode()
_NO_BLANKS = bytes(set(range(256)) - set(b"\0 \n"))


@attrs.frozen
class Bin:
    """A bar of a distribution: `count` values from `low` to `high`, both included."""

    low: int
    high: int
    count: int


@attrs.frozen
class SamplePair:
    """A pair of the corpus, chosen at random."""

    question: str
    answer: str


class DialogStatistics:
    """Counts what of one chat was written."""

    __slots__ = ("answer_words", "by_pairs", "by_words", "dialogs", "pairs", "question_words")

    def __init__(self) -> None:
        self.dialogs = 0
        self.pairs = 0
        self.question_words = 0
        self.answer_words = 0
        # By the number of binary digits: 1, 2-3, 4-7 and so on. A dialog has twice as many turns as pairs.
        self.by_pairs: Counter[int] = Counter()
        self.by_words: Counter[int] = Counter()

    def add(self, turns: Sequence[int], questions: Sequence[str], answers: Sequence[str]) -> None:
        """Counts dialogs.

        Args:
            turns: How many utterances each has.
            questions: What clients said in all of them.
            answers: What the server said in all of them.
        """
        answer_words = _words(answers)
        self.dialogs += len(turns)
        self.pairs += len(answers)
        self.question_words += sum(_words(questions))
        self.answer_words += sum(answer_words)
        self.by_pairs.update(map(int.bit_length, turns))
        self.by_words.update(map(int.bit_length, answer_words))


class PairSampler:
    """Some pairs of a stream of unknown length, each dialog as likely as any other (Li 1994, Algorithm L)."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - samples are no secrets
        self._kept: list[SamplePair] = []
        self._weight = 1.0
        self._next = 0

    def offer(self, dialogs: Sequence[Sequence[Utterance]]) -> None:
        """Takes a pair of some of these dialogs."""
        while self._next < len(dialogs):
            self._take(dialogs[self._next])
        self._next -= len(dialogs)

    def _take(self, utterances: Sequence[Utterance]) -> None:
        place = 2 * self._random.randrange(len(utterances) // 2)
        sample = SamplePair(question=utterances[place].text, answer=utterances[place + 1].text)
        if len(self._kept) < _MOST_SAMPLES:
            self._kept.append(sample)
        else:
            self._kept[self._random.randrange(_MOST_SAMPLES)] = sample
        self._next += 1
        if len(self._kept) == _MOST_SAMPLES:
            self._weight *= math.exp(math.log(1 - self._random.random()) / _MOST_SAMPLES)
            self._next += int(math.log(1 - self._random.random()) / math.log1p(-self._weight))

    def chosen(self) -> list[SamplePair]:
        """The pairs, in no particular order."""
        self._random.shuffle(self._kept)
        return self._kept


def bins(counts: Sequence[Counter[int]], digits: int = 0) -> list[Bin]:
    """Makes the bars of a distribution of counts by the number of binary digits.

    Args:
        counts: The counts, to be added up.
        digits: How many of the digits to take away: 1 halves the values.
    """
    totals: Counter[int] = Counter()
    for each in counts:
        totals.update(each)
    return [Bin(1 << size - digits - 1, (1 << size - digits) - 1, totals[size]) for size in sorted(totals)]


def _words(texts: Sequence[str]) -> list[int]:
    """How many words texts have, as many as there are blanks and line breaks and one more."""
    # Of all texts together nothing but what is counted is left: text by text takes twice as long.
    between = _END.join(texts).encode("utf-8", "surrogatepass").translate(None, _NO_BLANKS).split(_ENCODED_END)
    if len(between) != len(texts):
        return [1 + text.count(" ") + text.count("\n") for text in texts]
    return [1 + blanks for blanks in map(len, between)]
