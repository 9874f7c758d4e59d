"""Rules for candidates: banned phrases."""

from __future__ import annotations

import pytest

from autocakechat import BannedPhrases


@pytest.mark.parametrize(
    ("phrase", "text", "occurs"),
    [
        ("elm street", "I live in Elm  Street, 5", True),
        ("elm", "in Helmstreet", False),
        ("Elm Street", "elm, oak and street", False),
        ("😀", "hello😀", True),
        (" ... ", "what ... ever", False),
        ("", "anything", False),
    ],
)
def test_banned_phrases_match_whole_words_in_any_case(phrase: str, text: str, occurs: bool) -> None:
    assert BannedPhrases(["unrelated", phrase]).occur_in(text) is occurs
