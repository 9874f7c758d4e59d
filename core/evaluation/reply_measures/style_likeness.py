"""How much replies sound like the person: a calibrated distance over habits of writing.

A distance alone says little. Here it is put on a scale between the distance of the other participants from the person
and the distance of one half of the person's replies from the other half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean, pstdev

from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.metrics import split_words
from autocakechat.evaluation.reply_measures.writing_style import STYLE_FAMILIES, style_values

_WORDS = 100
_TRIGRAMS = 200

_Values = list[float]
"""The value of one habit for each reply."""


class StyleLikeness:
    """Compares the style of replies with that of the person.

    Args:
        examples: The held-out examples: the person's replies, and the messages of others that they reply to.
        most_frequent: The person's most frequent reply.
        intervals: Computes the interval of the difference between the others and the person.

    Attributes:
        has_distinct_others: Whether the other participants write unlike the person, so that they are 0 on the scale.
            If not, always the same reply is 0.
    """

    def __init__(self, examples: Sequence[EvaluationExample], most_frequent: str, intervals: Intervals) -> None:
        person = [example.reply for example in examples]
        others = [example.context[-1] for example in examples]
        known = person + others
        self._half = halves(examples)
        self._words = _most_common((word for text in known for word in split_words(text)), _WORDS)
        self._trigrams = _most_common((run for text in known for run in _trigrams(text)), _TRIGRAMS)
        self._scales = [[pstdev(values) for values in family] for family in self._habits(known)]
        self._person = self._habits(person)
        self._zero = self._habits(others)
        surplus = intervals.statistic(self._surplus)
        self.has_distinct_others = surplus.low is not None and surplus.low > 0
        if not self.has_distinct_others:
            self._zero = self._habits([most_frequent] * len(examples))

    def measure(self, replies: Sequence[str], intervals: Intervals) -> dict[str, Interval]:
        """Returns the score of replies, one reply per example: 100 for the person, see `has_distinct_others` for 0."""
        habits = self._habits(replies)
        interval = intervals.statistic(lambda indices: self._score(habits, indices))
        return {"style.score": Interval(*map(_limited, (interval.value, interval.low, interval.high)))}

    def _score(self, habits: Sequence[Sequence[_Values]], indices: Sequence[int]) -> float | None:
        surplus = self._surplus(indices)
        if surplus is None or surplus <= 0:
            return None
        return 100 * ((self._distance(self._zero, indices) - self._distance(habits, indices)) / surplus)

    def _surplus(self, indices: Sequence[int]) -> float | None:
        """Returns how much farther the zero of the scale is from the person than the person's own other half."""
        if len({self._half[index] for index in indices}) < 2:
            return None
        return self._distance(self._zero, indices) - self._distance(self._person, indices)

    def _distance(self, habits: Sequence[Sequence[_Values]], indices: Sequence[int]) -> float:
        """Returns the mean distance of each half of some replies from the other half of the person's replies."""
        parts = [[index for index in indices if self._half[index] == half] for half in (0, 1)]
        return fmean(self._difference(habits, part, other) for part, other in (parts, parts[::-1]))

    def _difference(self, habits: Sequence[Sequence[_Values]], part: Sequence[int], other: Sequence[int]) -> float:
        """Returns the mean difference of the means of all habits, in standard deviations. Each family counts alike."""
        return fmean(
            fmean(
                abs(_mean_at(values, part) - _mean_at(person, other)) / scale
                for values, person, scale in zip(family, person_family, scales, strict=True)
                if scale
            )
            for family, person_family, scales in zip(habits, self._person, self._scales, strict=True)
            if any(scales)
        )

    def _habits(self, replies: Sequence[str]) -> list[list[_Values]]:
        """Returns the values of all habits, by family."""
        style = style_values(replies)
        families = [
            [[value if value is not None else 0.5 for value in style[key]] for key in keys]
            for keys in STYLE_FAMILIES.values()
        ]
        families.append(_rates([split_words(text) for text in replies], self._words))
        families.append(_rates([_trigrams(text) for text in replies], self._trigrams))
        return families


def halves(examples: Sequence[EvaluationExample]) -> list[int]:
    """Returns the half, 0 or 1, that each example belongs to. The replies of a dialog are in the same half."""
    numbers = {dialog: number for number, dialog in enumerate(dict.fromkeys(example.dialog for example in examples))}
    if len(numbers) == 1:
        return [index % 2 for index in range(len(examples))]
    return [numbers[example.dialog] % 2 for example in examples]


def _rates(units: Sequence[Sequence[str]], kept: Sequence[str]) -> list[_Values]:
    """Returns how often each of the kept units occurs in each reply, divided by the number of its units."""
    counts = [(Counter(own), max(1, len(own))) for own in units]
    return [[count[unit] / length for count, length in counts] for unit in kept]


def _trigrams(text: str) -> list[str]:
    return [text[start : start + 3] for start in range(len(text) - 2)]


def _most_common(units: Iterable[str], number: int) -> list[str]:
    return [unit for unit, _ in Counter(units).most_common(number)]


def _mean_at(values: _Values, indices: Sequence[int]) -> float:
    return sum([values[index] for index in indices]) / len(indices)


def _limited(value: float | None) -> float | None:
    return None if value is None else min(max(value, 0.0), 100.0)
