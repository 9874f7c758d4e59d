"""95 % confidence intervals by resampling dialogs: the replies of one dialog are not independent of each other.

Sources: the percentile bootstrap of Efron and Tibshirani 1993, and the delete-a-group jackknife.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain
from statistics import median

import attrs

_RESAMPLES = 1000
_JACKKNIFE_GROUPS = 20
_QUANTILE = 1.959964  # of the normal distribution, for 95 %

Statistic = Callable[[Sequence[int]], float | None]
"""Computes a value from the replies with the given indices."""


@attrs.frozen
class Interval:
    """A value with its 95 % confidence interval.

    Attributes:
        value: The value; None if it is undefined.
        low: The lower end; None if there are fewer than two dialogs.
        high: The upper end.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


class Intervals:
    """Computes values over replies, with their intervals.

    Args:
        dialogs: The dialog of each reply.
        seed: The seed of the resamples.
        resamples: The number of resamples; with 0, there are values without intervals.
    """

    def __init__(self, dialogs: Sequence[int], seed: int, resamples: int = _RESAMPLES) -> None:
        self._numbers = dialogs
        indices: dict[int, list[int]] = defaultdict(list)
        for index, dialog in enumerate(dialogs):
            indices[dialog].append(index)
        self._dialogs = list(indices.values())
        rng = random.Random(seed)  # noqa: S311 - not for secrets
        count = len(self._dialogs)
        self._resamples = [rng.choices(range(count), k=count) for _ in range(resamples)] if count > 1 else []

    def without_ends(self) -> Intervals:
        """Returns an object that computes the values only, which is faster."""
        return Intervals(self._numbers, seed=0, resamples=0)

    def mean(self, values: Sequence[float | None]) -> Interval:
        """Returns the mean of the values of the replies, with its bootstrap interval. None is left out."""
        return self.ratio([value or 0.0 for value in values], [value is not None for value in values])

    def ratio(
        self,
        numerators: Sequence[float],
        denominators: Sequence[float],
        transform: Callable[[float], float] = lambda ratio: ratio,
    ) -> Interval:
        """Returns the ratio of two sums over the replies, with its bootstrap interval.

        Args:
            numerators: The first value of each reply.
            denominators: The second one.
            transform: An increasing function of the ratio, whose value is returned.
        """
        total = math.fsum(denominators)
        if not total:
            return Interval()
        value = transform(math.fsum(numerators) / total)
        tops, bottoms = self._sums(numerators), self._sums(denominators)
        ratios = []
        for drawn in self._resamples:
            bottom = sum([bottoms[dialog] for dialog in drawn])
            if bottom:
                ratios.append(sum([tops[dialog] for dialog in drawn]) / bottom)
        return Interval(value, *(transform(end) for end in _percentiles(ratios)))

    def median(self, values: Sequence[float]) -> Interval:
        """Returns the median of the values of the replies, with its bootstrap interval."""
        if not values:
            return Interval()
        own = [[values[index] for index in dialog] for dialog in self._dialogs]
        medians = [median(chain.from_iterable(own[dialog] for dialog in drawn)) for drawn in self._resamples]
        return Interval(median(values), *_percentiles(medians))

    def statistic(self, statistic: Statistic, lowest: float = -math.inf, highest: float = math.inf) -> Interval:
        """Returns a statistic of all replies, with its jackknife interval.

        It is for statistics that a repeated reply changes, such as distinct-n. Resamples of the bootstrap repeat
        replies; the jackknife leaves some out.

        Args:
            statistic: The statistic.
            lowest: The lowest possible value, which the interval does not cross.
            highest: The highest one.
        """
        every = sorted(chain.from_iterable(self._dialogs))
        value = statistic(every)
        if value is None or not self._resamples:
            return Interval(value)
        groups = [self._dialogs[start::_JACKKNIFE_GROUPS] for start in range(_JACKKNIFE_GROUPS)]
        parts = [set(chain.from_iterable(group)) for group in groups if group]
        left = [statistic([index for index in every if index not in part]) for part in parts]
        values = [other for other in left if other is not None]
        if len(values) < len(parts):
            return Interval(value)
        mean = math.fsum(values) / len(values)
        error = math.sqrt(math.fsum((other - mean) ** 2 for other in values) * (len(values) - 1) / len(values))
        return Interval(value, max(lowest, value - _QUANTILE * error), min(highest, value + _QUANTILE * error))

    def _sums(self, values: Sequence[float]) -> list[float]:
        return [sum([values[index] for index in dialog]) for dialog in self._dialogs]


def wilson_interval(share: float, answers: float) -> tuple[float, float]:
    """Returns Wilson's 95 % confidence interval (1927) of a share of so many independent answers."""
    squared = _QUANTILE**2 / answers
    center = (share + squared / 2) / (1 + squared)
    margin = math.sqrt(share * (1 - share) * squared + squared**2 / 4) / (1 + squared)
    return max(0.0, center - margin), min(1.0, center + margin)


def _percentiles(values: list[float]) -> tuple[float, ...]:
    """Returns the 2.5th and the 97.5th percentile; nothing without values."""
    if not values:
        return ()
    values.sort()
    tail = len(values) // 40
    return values[tail], values[-1 - tail]
