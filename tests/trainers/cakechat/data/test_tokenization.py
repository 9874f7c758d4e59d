"""Cutting text into tokens and joining them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat.plugins.trainers.cakechat.data.tokenization import JOINER, STYLES, normalize, prettify, tokenize
from autocakechat.plugins.trainers.cakechat.data.vocabulary import SERVICE_TOKENS, Conditions, Vocabulary


@pytest.fixture(params=["small", "small-cudnn"])
def cases(shared: Path, request: pytest.FixtureRequest) -> dict[str, list[tuple[str, list[str]]]]:
    file = shared / "cakechat-golden" / request.param / "text.json"
    loaded: dict[str, list[tuple[str, list[str]]]] = json.loads(file.read_text("utf-8"))
    return loaded


def test_tokens_are_those_of_the_original(cases: dict[str, list[tuple[str, list[str]]]]) -> None:
    assert cases["tokenize"]
    for text, tokens in cases["tokenize"]:
        assert tokenize(text) == tokens


def test_replies_read_as_those_of_the_original(cases: dict[str, list[tuple[str, str]]]) -> None:
    assert cases["prettify"]
    for tokens, reply in cases["prettify"]:
        assert prettify(tokens.split()) == reply


@given(st.text())
def test_no_sign_gets_lost(text: str) -> None:
    assert "".join(tokenize(text)) == "".join(text.lower().split())


NATURAL = STYLES["natural"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't shout, OK?", "Don't shout +, OK +?"),
        ("wait...!!! what", "wait +... +!!! what"),
        ("hi😀 👍🏽", "hi +😀 👍🏽"),
        ("👨‍👩‍👧❤️ 🇩🇪🇫🇷 1️⃣", "👨‍👩‍👧 +❤️ 🇩🇪 +🇫🇷 1️⃣"),
        ("привет)))) как (дела)", "привет +)))) как ( +дела +)"),
        ("你好,世界", "你 +好 +, +世 +界"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        ("5.30 -- http://a.b/c?d=e.", "5 +. +30 -- http://a.b/c?d=e."),
    ],
)
def test_natural_tokens_keep_case_emoji_and_where_blanks_are(text: str, tokens: str) -> None:
    assert NATURAL.tokenize(text) == [token.replace("+", JOINER) for token in tokens.split()]


def test_line_breaks_are_tokens() -> None:
    assert NATURAL.tokenize(" one \r\n\n two") == ["one", "\n", "two"]
    assert NATURAL.join(["one", "\n", "two", JOINER + "!"]) == "one\ntwo!"


@given(st.text() | st.text("aB'’.!😀\u200d\ufe0f🇩🇪👍🏽你 \n"))
def test_natural_text_comes_back_as_it_was(text: str) -> None:
    tokens = NATURAL.tokenize(text)
    assert NATURAL.join(tokens) == normalize(text)
    assert all(tokens)


def test_a_rare_spelling_stands_for_the_usual_one() -> None:
    counts = Counter(NATURAL.tokenize("yes yes (yes) well Well WELL I I"))
    vocabulary = Vocabulary.from_counts(counts, 100, 2, NATURAL.variants)
    assert vocabulary.tokens[4:] == ("well", "I", "yes")

    def read(text: str) -> list[str]:
        return [vocabulary.tokens[number] for number in vocabulary.encode(NATURAL.tokenize(text))]

    assert read("Well, YES") == ["well", "_unk_", "yes"]
    assert read("no:I") == ["_unk_", "_unk_", "I"]


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 9)), st.integers(5, 20), st.integers(1, 4))
def test_a_vocabulary_holds_the_most_frequent_tokens(counts: dict[str, int], limit: int, least: int) -> None:
    vocabulary = Vocabulary.from_counts(Counter(counts), limit, least)
    assert vocabulary.tokens[:4] == SERVICE_TOKENS
    known = vocabulary.tokens[4:]
    assert len(vocabulary) <= limit
    unknown = set(counts) - set(known) - set(SERVICE_TOKENS)
    enough = {token for token in unknown if counts[token] >= least}
    assert not enough or len(vocabulary) == limit
    assert all(counts[token] >= max((counts[other] for other in enough), default=least) for token in known)


def test_ids_and_words_are_each_others_way_back() -> None:
    vocabulary = Vocabulary.from_counts(Counter(["hi", "you", "hi"]), 100, 1)
    ids = vocabulary.encode(["hi", "stranger", "you", "_end_"])
    assert [vocabulary.tokens[number] for number in ids] == ["hi", "_unk_", "you", "_unk_"]
    assert vocabulary.decode([*ids, vocabulary.end, vocabulary.encode(["hi"])[0]]) == ["hi", "you"]


def test_an_unknown_label_counts_as_neutral() -> None:
    conditions = Conditions.from_labels(["joy", "anger"])
    assert conditions.labels == ("neutral", "anger", "joy")
    assert conditions.id("joy") == 2
    assert conditions.id("melancholy") == 0
