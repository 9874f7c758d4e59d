"""Likeness of style: the calibrated score and the two-sample test."""

from __future__ import annotations

import random

import pytest

from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.reply_measures.style_likeness import StyleLikeness, halves
from autocakechat.evaluation.reply_measures.two_sample import TwoSampleTest

WORDS = (
    "tea",
    "dogs",
    "rain",
    "chess",
    "music",
    "trains",
    "winter",
    "books",
    "summer",
    "cats",
    "bread",
    "ships",
    "films",
)


def formal(rng: random.Random) -> str:
    return f"I would like to talk about {rng.choice(WORDS)} and {rng.choice(WORDS)}, if you please."


def casual(rng: random.Random) -> str:
    return f"haha {' '.join(rng.choices(WORDS, k=4))} 😀\nidk"


def examples(number: int = 120) -> list[EvaluationExample]:
    """The person is casual, the others are formal; three replies in a dialog."""
    rng = random.Random(1)
    return [EvaluationExample(index // 3, (formal(rng),), casual(rng), "neutral") for index in range(number)]


EXAMPLES = examples()
PERSON = [example.reply for example in EXAMPLES]
INTERVALS = Intervals([example.dialog for example in EXAMPLES], seed=1)


ONE_TEXT = [EvaluationExample(index, ("hi",), "ok", "neutral") for index in range(30)]
THIRTY = Intervals(range(30), seed=1)


def mixed(share: float) -> list[str]:
    """Replies of which a share is casual."""
    rng = random.Random(2)
    return [casual(rng) if rng.random() < share else formal(rng) for _ in EXAMPLES]


@pytest.fixture(scope="module")
def likeness() -> StyleLikeness:
    return StyleLikeness(EXAMPLES, "ok", INTERVALS)


@pytest.fixture(scope="module")
def test() -> TwoSampleTest:
    return TwoSampleTest(EXAMPLES)


def score(likeness: StyleLikeness, replies: list[str]) -> Interval:
    return likeness.measure(replies, INTERVALS)["style.score"]


def accuracy(test: TwoSampleTest, replies: list[str]) -> Interval:
    return test.measure(replies, INTERVALS)["style.two_sample_accuracy"]


def test_the_scale_goes_from_the_others_to_the_person(likeness: StyleLikeness) -> None:
    assert likeness.has_distinct_others
    assert score(likeness, PERSON) == Interval(100, 100, 100)
    assert score(likeness, [example.context[-1] for example in EXAMPLES]) == Interval(0, 0, 0)
    assert score(likeness, mixed(1)).value == pytest.approx(100, abs=5)
    assert score(likeness, mixed(0)).value == pytest.approx(0, abs=5)


def test_a_mixture_is_in_between(likeness: StyleLikeness) -> None:
    found = [score(likeness, mixed(share)) for share in (0.25, 0.5, 0.75)]
    assert 10 < found[0].value < found[1].value < found[2].value < 95
    assert found[0].low < found[0].value < found[0].high


def test_the_score_stays_between_0_and_100(likeness: StyleLikeness) -> None:
    assert score(likeness, ["!!! 12345 !!!" * 20] * len(EXAMPLES)) == Interval(0, 0, 0)


def test_always_the_same_reply_is_0_if_the_others_write_like_the_person() -> None:
    rng = random.Random(3)
    alike = [EvaluationExample(index // 3, (casual(rng),), casual(rng), "neutral") for index in range(120)]
    likeness = StyleLikeness(alike, "ok", INTERVALS)
    assert not likeness.has_distinct_others
    assert score(likeness, ["ok"] * 120) == Interval(0, 0, 0)
    assert score(likeness, [example.reply for example in alike]) == Interval(100, 100, 100)
    assert score(likeness, mixed(1)).value == pytest.approx(100, abs=10)
    assert score(likeness, mixed(0)).value < score(likeness, mixed(0.5)).value < score(likeness, mixed(1)).value


def test_the_replies_of_a_dialog_are_in_the_same_half() -> None:
    assert halves(EXAMPLES[:9]) == [0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert halves(EXAMPLES[:3]) == [0, 1, 0]


def test_a_single_reply_has_no_score() -> None:
    alone = Intervals([0], seed=1)
    assert StyleLikeness(EXAMPLES[:1], "ok", alone).measure(["x"], alone) == {"style.score": Interval()}


def test_two_styles_are_told_apart_and_one_is_not(test: TwoSampleTest) -> None:
    assert accuracy(test, mixed(0)).value > 0.98
    assert accuracy(test, mixed(1)).value == pytest.approx(0.5, abs=0.1)
    assert accuracy(test, mixed(0.5)).value == pytest.approx(0.75, abs=0.1)
    assert test.own_halves() == pytest.approx(0.5, abs=0.12)


def test_equal_texts_cannot_be_told_apart(test: TwoSampleTest) -> None:
    assert accuracy(test, PERSON) == Interval(0.5, 0.5, 0.5)
    # The same replies in another order: a classifier that learnt them by heart would be wrong about all.
    assert accuracy(test, PERSON[::-1]).value == pytest.approx(0.5, abs=0.1)
    assert TwoSampleTest(ONE_TEXT).measure(["ok"] * 30, THIRTY)["style.two_sample_accuracy"].value == 0.5


def test_always_the_same_reply_is_told_though_the_person_wrote_it_once(test: TwoSampleTest) -> None:
    assert accuracy(test, [PERSON[0]] * len(EXAMPLES)).value > 0.95


def test_few_texts_have_no_accuracy() -> None:
    few = TwoSampleTest(EXAMPLES[:6])
    assert few.measure(["x"] * 6, Intervals(range(6), seed=1)) == {"style.two_sample_accuracy": Interval()}
    assert few.own_halves() is None
