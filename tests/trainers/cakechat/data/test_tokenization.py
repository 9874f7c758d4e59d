"""Tokenization, detokenization and the vocabulary."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat.plugins.trainers.cakechat.data.tokenization import (
    JOINER,
    STYLES,
    join_cakechat,
    normalise_text,
    tokenize_cakechat,
)
from autocakechat.plugins.trainers.cakechat.data.vocabulary import SERVICE_TOKENS, Conditions, Vocabulary


@pytest.fixture
def original_cases(shared: Path) -> dict[str, list[tuple[Any, Any]]]:
    """Inputs and outputs of the original program: sentences, which are not distributed with the tests."""
    file = shared / "cakechat-golden" / "small" / "text.json"
    cases: dict[str, list[tuple[Any, Any]]] = json.loads(file.read_text("utf-8"))
    return cases


def test_cakechat_tokens_match_the_original(original_cases: dict[str, list[tuple[Any, Any]]]) -> None:
    assert original_cases["tokenize"]
    for text, tokens in original_cases["tokenize"]:
        assert tokenize_cakechat(text) == tokens


def test_cakechat_replies_match_the_original(original_cases: dict[str, list[tuple[Any, Any]]]) -> None:
    assert original_cases["prettify"]
    for tokens, reply in original_cases["prettify"]:
        assert join_cakechat(tokens.split()) == reply


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Well, Ann, it's LATE!", "well , ann , it ' s late !"),
        ("So...   why NOT?!", "so . . . why not ? !"),
        ("Доброе утро, Лев! :(", "доброе утро , лев ! : ("),
        ("from 7.15am -- http://x.y/z?k=v", "from 7 . 15am - - http : / / x . y / z ? k = v"),
        ("🎉 snake_case", "🎉 snake_case"),
        ("co-op @ noon", "co - op @ noon"),
        ("", ""),
        (" \t ", ""),
    ],
)
def test_cakechat_tokens_are_lower_case_words_and_single_signs(text: str, tokens: str) -> None:
    assert tokenize_cakechat(text) == tokens.split()


@pytest.mark.parametrize(
    ("tokens", "reply"),
    [
        ("good morning ! how are you , ann ? i ' m late . . .", "Good morning! How are you, ann? I'm late..."),
        ("доброе утро ! как дела ? хорошо", "Доброе утро! Как дела? Хорошо"),
        ("yes", "Yes"),
        ("half - done , aren ' t we ? no !", "Half - done, aren't we? No!"),
        (". . .", "..."),
    ],
)
def test_cakechat_replies_have_capitals_and_no_space_before_punctuation(tokens: str, reply: str) -> None:
    assert join_cakechat(tokens.split()) == reply


@given(st.text())
def test_cakechat_tokens_keep_every_visible_character(text: str) -> None:
    assert "".join(tokenize_cakechat(text)) == "".join(text.lower().split())


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
def test_natural_tokens_keep_case_emoji_and_spacing(text: str, tokens: str) -> None:
    assert NATURAL.tokenize(text) == [token.replace("+", JOINER) for token in tokens.split()]


def test_line_breaks_are_tokens() -> None:
    assert NATURAL.tokenize(" one \r\n\n two") == ["one", "\n", "two"]
    assert NATURAL.join(["one", "\n", "two", JOINER + "!"]) == "one\ntwo!"


@given(st.text() | st.text("aB'’.!😀\u200d\ufe0f🇩🇪👍🏽你 \n"))
def test_natural_tokenization_is_reversible(text: str) -> None:
    tokens = NATURAL.tokenize(text)
    assert NATURAL.join(tokens) == normalise_text(text)
    assert all(tokens)


def test_rare_spellings_count_for_the_usual_one() -> None:
    counts = Counter(NATURAL.tokenize("yes yes (yes) well Well WELL I I"))
    vocabulary = Vocabulary.from_counts(counts, 100, 2, NATURAL.variants)
    assert vocabulary.tokens[4:] == ("well", "I", "yes")

    def round_trip(text: str) -> list[str]:
        return [vocabulary.tokens[token_id] for token_id in vocabulary.encode(NATURAL.tokenize(text))]

    assert round_trip("Well, YES") == ["well", "_unk_", "yes"]
    assert round_trip("no:I") == ["_unk_", "_unk_", "I"]


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 9)), st.integers(5, 20), st.integers(1, 4))
def test_a_vocabulary_holds_the_most_frequent_tokens(counts: dict[str, int], limit: int, min_count: int) -> None:
    vocabulary = Vocabulary.from_counts(Counter(counts), limit, min_count)
    assert vocabulary.tokens[:4] == SERVICE_TOKENS
    included = vocabulary.tokens[4:]
    assert len(vocabulary) <= limit
    excluded = set(counts) - set(included) - set(SERVICE_TOKENS)
    frequent = {token for token in excluded if counts[token] >= min_count}
    assert not frequent or len(vocabulary) == limit
    assert all(counts[token] >= max((counts[other] for other in frequent), default=min_count) for token in included)


def test_decode_inverts_encode() -> None:
    vocabulary = Vocabulary.from_counts(Counter(["hi", "you", "hi"]), 100, 1)
    ids = vocabulary.encode(["hi", "stranger", "you", "_end_"])
    assert [vocabulary.tokens[token_id] for token_id in ids] == ["hi", "_unk_", "you", "_unk_"]
    assert vocabulary.decode([*ids, vocabulary.end, vocabulary.encode(["hi"])[0]]) == ["hi", "you"]


def test_unknown_labels_are_neutral() -> None:
    conditions = Conditions.from_labels(["joy", "anger"])
    assert conditions.labels == ("neutral", "anger", "joy")
    assert conditions.id("joy") == 2
    assert conditions.id("melancholy") == 0
