"""Each metric against hand-computed values or scikit-learn."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score
from sklearn.metrics.pairwise import cosine_similarity

from autocakechat import Score
from autocakechat.evaluation.intervals import Intervals
from autocakechat.evaluation.metrics import Lexicon, distinct, mean_perplexity, normalized, perplexity, split_words
from autocakechat.evaluation.ranking import Rank
from autocakechat.evaluation.reply_measures.variety import measure_style


def test_text_is_split_in_every_script() -> None:
    assert split_words("Don't  STOP!!\nok_1") == ["don", "'", "t", "stop", "!", "!", "ok_1"]
    assert split_words("Привет, мир") == ["привет", ",", "мир"]
    assert split_words("你好 hi") == ["你", "好", "hi"]
    assert split_words("  ") == []
    assert normalized(" Oh,\n OK ") == normalized("oh, ok") == "oh , ok"


def test_perplexity_of_a_fair_die_is_its_number_of_sides() -> None:
    certain, six = Score(0.0, 3), Score(2 * math.log(1 / 6), 2)
    assert perplexity([six], intervals(1)).value == pytest.approx(6.0)
    assert perplexity([certain, six], intervals(2)).value == pytest.approx(6 ** (2 / 5))
    assert mean_perplexity([certain, six], intervals(2)).value == pytest.approx((1 + 6) / 2)
    assert perplexity([], intervals(0)).value is mean_perplexity([], intervals(0)).value is None
    assert perplexity([Score(0.0, 0)], intervals(1)).value is None
    assert perplexity([Score(-math.inf, 1)], intervals(1)).value == math.inf
    assert mean_perplexity([Score(-1e9, 1)], intervals(1)).value == math.inf


def test_ranking_agrees_with_scikit_learn() -> None:
    rng = random.Random(1)
    scores = [[rng.random() for _ in range(7)] for _ in range(50)]
    ranks = [Rank.of_first(row) for row in scores]
    truth = np.eye(7)[np.zeros(50, int)]
    expected = label_ranking_average_precision_score(truth, scores)
    assert np.mean([rank.average_precision for rank in ranks]) == pytest.approx(expected)
    for k in (1, 2, 5):
        expected = top_k_accuracy_score([0] * 50, scores, k=k, labels=range(7))
        assert np.mean([rank.recall(k) for rank in ranks]) == pytest.approx(expected)


def test_ties_count_in_expectation() -> None:
    rank = Rank.of_first([1.0, 2.0, 1.0, 0.0, 1.0])
    assert rank == Rank(better=1, equal=3)
    assert rank.average_precision == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
    assert [rank.recall(k) for k in (1, 2, 3, 4, 5)] == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    random_rank = Rank(0, 10)
    assert random_rank.average_precision == pytest.approx(sum(1 / place for place in range(1, 11)) / 10)
    assert random_rank.recall(2) == pytest.approx(0.2)


def test_distinct_counts_n_grams_within_replies() -> None:
    replies = [["a", "b", "a"], ["a", "b"]]
    assert distinct(replies, 1, 5, seed=0) == pytest.approx(2 / 5)
    assert distinct(replies, 2, 5, seed=0) == pytest.approx(2 / 3)  # ab, ba, ab
    assert distinct(replies, 3, 5, seed=0) == pytest.approx(1.0)
    assert distinct(replies, 4, 5, seed=0) is None
    assert distinct([], 1, 5, seed=0) is None


def test_distinct_draws_a_fixed_number_of_words() -> None:
    replies = [[f"w{number}"] * 10 for number in range(50)]
    assert distinct(replies, 1, 10, seed=0) == pytest.approx(1 / 10)
    assert distinct(replies, 1, 15, seed=0) == pytest.approx(2 / 15)  # the second reply is cut
    uneven = [["x"]] * 50 + [[f"w{number}"] for number in range(50)]
    assert distinct(uneven, 1, 20, seed=0) == distinct(uneven, 1, 20, seed=0)
    assert distinct(uneven, 1, 20, seed=0) == pytest.approx(11 / 20, abs=0.1)


def test_lexical_similarity_agrees_with_scikit_learn() -> None:
    own = ["so nice to see you", "see you", "nice", "oh no", "you you you"]
    replies = ["nice to know you", "oh dear", "see"]
    known = sorted({word for text in own + replies for word in split_words(text)})
    vectorizer = TfidfVectorizer(vocabulary=known, token_pattern=r"\w+").fit(own)
    expected = cosine_similarity(vectorizer.transform([" ".join(replies)]), vectorizer.transform([" ".join(own)]))
    lexicon = Lexicon(map(split_words, own))
    assert lexicon.similarity(map(split_words, replies)) == pytest.approx(expected[0, 0])
    assert lexicon.similarity(map(split_words, own)) == pytest.approx(1.0)
    assert lexicon.similarity([["unknown"]]) == 0.0
    assert lexicon.similarity([]) is None


def test_style_is_measured_over_replies() -> None:
    style = measured(["Hi there.", "hm...\nreally?", "WOW, great! 😀👍🏽", "你好。"])
    assert (style["length.words"], style["length.median_words"], style["length.lines"]) == (2.0, 2.0, 1.25)
    assert style["length.characters"] == pytest.approx((9 + 13 + 15 + 3) / 4)
    assert (style["style.ends_with_mark"], style["style.full_stops"], style["style.dots"]) == (0.75, 0.5, 0.25)
    assert (style["style.commas"], style["style.questions"], style["style.exclamations"]) == (0.25, 0.25, 0.25)
    assert (style["style.emoji"], style["style.emoji_each"]) == (0.25, 0.5)
    # The Chinese reply has no letters with case.
    assert (style["style.capital_first"], style["style.lower_case"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert style["style.shouted"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("emoji", ["😀", "❤️", "👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "1️⃣", "🤷🏽‍♀️", "☺"])
def test_a_composed_emoji_counts_once(emoji: str) -> None:
    assert measured([f"a {emoji} b"])["style.emoji_each"] == 1.0
    assert measured([f"{emoji}{emoji}"])["style.emoji_each"] == 2.0


@pytest.mark.parametrize("text", ["12 # * © ™", "→ – ½", "ok", "日本"])
def test_other_symbols_are_not_emoji(text: str) -> None:
    assert measured([text])["style.emoji"] == 0.0


@pytest.mark.parametrize(
    "text", [":)", "ok :-)", "haha ;) yes", "xD", ":'(", "^^", "love <3", "=P", "haha:D", "привет)))", "ok!)"]
)
def test_emoticons_are_seen(text: str) -> None:
    assert measured([text])["style.emoticons"] == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "a: b",
        "http://x.y/z",
        "10:30",
        "def f(x): return",
        "1=2",
        "3^4",
        "16:9",
        "ratio:3",
        "(yes)",
        "1) go 2) stay",
        "a) go",
    ],
)
def test_other_colons_are_no_emoticons(text: str) -> None:
    assert measured([text])["style.emoticons"] == 0.0


def test_nobody_has_no_habits() -> None:
    assert set(measured([]).values()) == {None}


def intervals(number: int) -> Intervals:
    return Intervals(range(number), seed=1)


def measured(replies: list[str]) -> dict[str, float | None]:
    return {key: interval.value for key, interval in measure_style(replies, intervals(len(replies))).items()}
