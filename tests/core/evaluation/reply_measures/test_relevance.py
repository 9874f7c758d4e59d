"""The relevance of replies."""

from __future__ import annotations

import random

import pytest

from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.reply_measures.relevance import Relevance, echo
from autocakechat.evaluation.word_rankers import RelevanceJudge

TOPICS = ("tea", "dogs", "rain", "chess")
EXAMPLES = [
    EvaluationExample(number, (f"what about {topic}",), f"I like {topic}", "neutral")
    for number, topic in enumerate(TOPICS)
]
INTERVALS = Intervals(range(4), seed=1)


def relevance(examples: list[EvaluationExample], wrong: int = 3) -> Relevance:
    judge = RelevanceJudge([(example.context[-1], example.reply) for example in EXAMPLES])
    return Relevance(examples, judge, wrong, random.Random(1))


def test_a_reply_to_the_point_finds_its_context() -> None:
    found = relevance(EXAMPLES).measure([example.reply for example in EXAMPLES], INTERVALS)
    assert found["relevance.map"] == found["relevance.recall_at_1"] == Interval(1.0, 1.0, 1.0)


def test_a_reply_without_a_known_word_finds_it_by_chance() -> None:
    found = relevance(EXAMPLES).measure(["hm"] * 4, INTERVALS)
    assert found["relevance.map"].value == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert found["relevance.recall_at_1"].value == 1 / 4


def test_a_reply_to_another_context_is_last_or_later() -> None:
    replies = [EXAMPLES[index - 1].reply for index in range(4)]
    found = relevance(EXAMPLES).measure(replies, INTERVALS)
    # Each reply fits one wrong context best, and the other three equally little.
    assert found["relevance.map"].value == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
    assert found["relevance.recall_at_1"].value == 0


def test_wrong_contexts_are_of_other_dialogs() -> None:
    same = [EvaluationExample(7, example.context, example.reply, "neutral") for example in EXAMPLES]
    assert relevance(EXAMPLES, wrong=9).candidates == 4
    assert relevance([*same[:2], *EXAMPLES[2:]], wrong=9).candidates == 3
    alone = relevance(same)
    assert alone.candidates == 1
    found = alone.measure([example.reply for example in same], INTERVALS)
    assert found["relevance.map"] == found["relevance.recall_at_1"] == Interval()


def test_an_echo_repeats_the_words_of_the_message() -> None:
    assert echo("Do you like tea?", "do YOU like tea") == 1
    assert echo("Do you like tea?", "yes, tea and tea and coffee") == pytest.approx(1 / 4)
    assert echo("Do you like tea?", "?!") is None
    found = relevance(EXAMPLES).measure(["what?", "dogs yes", "!", "no"], INTERVALS)
    assert found["relevance.echo"].value == pytest.approx((1 + 1 / 2 + 0) / 3)
