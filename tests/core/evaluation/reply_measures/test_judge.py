"""A model as a judge of replies."""

from __future__ import annotations

import pytest

from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.reply_measures.judge import Judge
from tests.core.evaluation.test_ranking import EXAMPLES, TRUE, Scorer, batched, likes_short

INTERVALS = Intervals(range(3), seed=1)


def test_the_fit_is_the_gain_of_a_token() -> None:
    judge = Judge(batched(Scorer(likes_short)), EXAMPLES, seed=1)
    # Each true reply gains two nats; they have one, one and four words.
    assert judge.measure(TRUE, INTERVALS)["relevance.fit"].value == pytest.approx(6 / 6)
    assert judge.measure(["tea", "tea", "tea"], INTERVALS)["relevance.fit"].value == pytest.approx(2 / 3)
    assert judge.measure(["hm"] * 3, INTERVALS)["relevance.fit"].value == pytest.approx(0)


def test_one_context_has_no_fit() -> None:
    judge = Judge(batched(Scorer(likes_short)), EXAMPLES[:1], seed=1)
    assert judge.measure(TRUE[:1], Intervals([0], seed=1)) == {"relevance.fit": Interval()}
