"""Cutting text into tokens and joining them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat.plugins.trainers.cakechat.text import prettify, tokenize
from autocakechat.plugins.trainers.cakechat.vocabulary import SERVICE_TOKENS, Conditions, Vocabulary


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


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 9)), st.integers(5, 20), st.integers(1, 4))
def test_a_vocabulary_holds_the_most_frequent_tokens(counts: dict[str, int], limit: int, least: int) -> None:
    vocabulary = Vocabulary.of(Counter(counts), limit, least)
    assert vocabulary.tokens[:4] == SERVICE_TOKENS
    known = vocabulary.tokens[4:]
    assert len(vocabulary) <= limit
    unknown = set(counts) - set(known) - set(SERVICE_TOKENS)
    enough = {token for token in unknown if counts[token] >= least}
    assert not enough or len(vocabulary) == limit
    assert all(counts[token] >= max((counts[other] for other in enough), default=least) for token in known)


def test_ids_and_words_are_each_others_way_back() -> None:
    vocabulary = Vocabulary.of(Counter(["hi", "you", "hi"]), 100, 1)
    ids = vocabulary.ids(["hi", "stranger", "you", "_end_"])
    assert [vocabulary.tokens[number] for number in ids] == ["hi", "_unk_", "you", "_unk_"]
    assert vocabulary.words([*ids, vocabulary.end, vocabulary.ids(["hi"])[0]]) == ["hi", "you"]


def test_an_unknown_label_counts_as_neutral() -> None:
    conditions = Conditions.of(["joy", "anger"])
    assert conditions.labels == ("neutral", "anger", "joy")
    assert conditions.id("joy") == 2
    assert conditions.id("melancholy") == 0
