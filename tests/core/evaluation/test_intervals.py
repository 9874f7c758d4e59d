"""Confidence intervals against formulas, and against the distribution that they claim to cover."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pytest

from autocakechat.evaluation.intervals import Interval, Intervals


def test_the_bootstrap_of_independent_values_agrees_with_the_standard_error() -> None:
    rng = random.Random(1)
    values = [rng.gauss(5, 2) for _ in range(400)]
    interval = Intervals(range(400), seed=1).mean(values)
    assert interval.value == pytest.approx(np.mean(values))
    error = np.std(values, ddof=1) / 20
    assert interval.low == pytest.approx(np.mean(values) - 1.96 * error, abs=0.15 * error)
    assert interval.high == pytest.approx(np.mean(values) + 1.96 * error, abs=0.15 * error)


def test_equal_replies_of_a_dialog_count_as_one() -> None:
    dialogs = [index // 10 for index in range(400)]
    values = [float(dialog % 2) for dialog in dialogs]
    grouped, single = Intervals(dialogs, seed=1).mean(values), Intervals(range(400), seed=1).mean(values)
    assert grouped.value == single.value == 0.5
    assert width(grouped) == pytest.approx(math.sqrt(10) * width(single), rel=0.15)


def test_values_that_are_none_are_left_out() -> None:
    assert Intervals(range(4), seed=1).mean([None, 1.0, 3.0, None]).value == 2.0
    assert Intervals(range(2), seed=1).mean([None, None]) == Interval()
    assert Intervals([], seed=1).mean([]) == Intervals([], seed=1).median([]) == Interval()


def test_a_ratio_is_of_sums_and_can_be_transformed() -> None:
    interval = Intervals(range(3), seed=1).ratio([1.0, 2.0, 3.0], [2.0, 2.0, 4.0], transform=math.exp)
    assert interval.value == pytest.approx(math.exp(6 / 8))
    assert math.exp(0.5) <= interval.low <= interval.value <= interval.high <= math.e


def test_one_dialog_has_no_interval() -> None:
    one = Intervals([7, 7, 7], seed=1)
    assert one.mean([1.0, 2.0, 6.0]) == Interval(3.0)
    assert one.median([1.0, 2.0, 6.0]) == Interval(2.0)
    assert one.statistic(len) == Interval(3)


def test_the_median_and_its_interval() -> None:
    interval = Intervals(range(101), seed=1).median([float(number) for number in range(101)])
    assert interval.value == 50
    assert interval.low == pytest.approx(40, abs=3)
    assert interval.high == pytest.approx(60, abs=3)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = [1.0, 5.0, 2.0, 8.0]

    def mean(indices: Sequence[int]) -> float:
        return sum(values[index] for index in indices) / len(indices)

    interval = Intervals(range(4), seed=1).statistic(mean)
    error = np.std(values, ddof=1) / 2
    assert (interval.value, interval.low) == (4.0, pytest.approx(4 - NormalDist().inv_cdf(0.975) * error))


def test_the_jackknife_of_many_dialogs_uses_twenty_groups() -> None:
    calls: list[int] = []
    Intervals(range(200), seed=1).statistic(lambda indices: calls.append(len(indices)))
    assert calls == [200]
    Intervals(range(200), seed=1).statistic(lambda indices: float(not calls.append(len(indices))))
    assert calls[1:] == [200] + [190] * 20


def test_an_undefined_statistic_has_no_interval() -> None:
    assert Intervals(range(3), seed=1).statistic(lambda _: None) == Interval()
    assert Intervals(range(3), seed=1).statistic(lambda left: 1.0 if len(left) == 3 else None) == Interval(1.0)


def test_the_seed_decides() -> None:
    values = [float(number) for number in range(30)]
    assert Intervals(range(30), 1).mean(values) == Intervals(range(30), 1).mean(values)
    assert Intervals(range(30), 1).mean(values) != Intervals(range(30), 2).mean(values)


def width(interval: Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low
