"""Rankers that know only words, against hand-computed values and the library bm25s."""

from __future__ import annotations

import math

import bm25s
import pytest

from autocakechat.evaluation.word_rankers import PastExchanges, RareWords, RelevanceJudge, product

TEXTS = ["the cat", "the dog", "the the bird!"]


def test_rare_words_count_more() -> None:
    rare = RareWords(TEXTS)
    assert rare.rarity("the") == math.log(4 / 4) == 0
    assert rare.rarity("cat") == pytest.approx(math.log(4 / 2))
    assert rare.rarity("new") == pytest.approx(math.log(4))
    assert rare.similarity("the cat", "the bird") == 0
    assert rare.similarity("A cat?", "cat cat") == pytest.approx(math.log(2) / math.hypot(math.log(2), math.log(4)))
    assert rare.similarity("", "cat") == rare.similarity("?!", "cat") == 0


EXCHANGES = [
    ("do you like cats", "cats are great"),
    ("do you like dogs and other big animals", "dogs bark"),
    ("what about tea", "I drink coffee"),
    ("tea tea tea", "enough tea"),
]


def test_past_messages_are_scored_as_by_bm25s() -> None:
    tokens = [message.split() for message, _ in EXCHANGES]
    library = bm25s.BM25(k1=0.9, b=0.75, method="lucene")
    library.index(tokens, show_progress=False)
    past = PastExchanges(EXCHANGES, RareWords([]))
    for message in ("do you drink tea", "big dogs", "cats cats"):
        expected = library.get_scores(list(dict.fromkeys(message.split())))
        found = dict(past.nearest(message))
        assert [found.get(number, 0) for number in range(4)] == pytest.approx(expected.tolist(), abs=1e-6)


def test_the_expected_reply_has_the_words_of_replies_to_similar_messages() -> None:
    rare = RareWords(text for exchange in EXCHANGES for text in exchange)
    past = PastExchanges(EXCHANGES, rare)
    expected = past.expected_reply("and dogs?")
    assert expected == pytest.approx(rare.vector("dogs bark"))
    both = past.expected_reply("tea")
    assert both["enough"] > both["coffee"] > 0
    assert math.hypot(*both.values()) == pytest.approx(1)
    assert past.expected_reply("zebra") == past.expected_reply("") == {}


def test_the_judge_compares_with_the_last_lines_and_with_past_exchanges() -> None:
    judge = RelevanceJudge(EXCHANGES)
    context = ("birds", "tea", "dogs", "cats")
    assert judge.shared_words(context, "tea") > 0
    assert judge.shared_words(context, "birds") == 0  # four lines ago
    assert judge.past_exchanges(context, "great") > judge.past_exchanges(context, "bark") == 0
    assert judge.fit(context, "great") == pytest.approx(0.25 * judge.past_exchanges(context, "great"))


def test_without_exchanges_nothing_fits() -> None:
    assert RelevanceJudge([]).fit(("tea",), "coffee") == 0
    assert product({}, {"tea": 1.0}) == 0
