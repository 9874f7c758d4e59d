"""Text of any script is split into search terms."""

from __future__ import annotations

import pytest

from autocakechat import split_terms
from autocakechat.retrieval.terms import has_question_mark


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Do you LIKE it?", ["do", "you", "like", "it", "?"]),
        ("don't, e-mail_me!", ["don", "t", "e", "mail", "me"]),
        ("ÜBER straße ﬁn", ["über", "strasse", "fin"]),
        ("cafe\u0301 = café", ["café", "café"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("猫が好き？", ["猫", "が", "好", "き", "猫が", "が好", "好き", "?"]),
        ("iPhoneが好", ["iphone", "が", "好", "が好"]),
        ("😂😂 ❤️", ["😂", "😂", "❤"]),
        ("...  !", []),
        ("", []),
    ],
)
def test_text_of_any_script_is_split_into_terms(text: str, expected: list[str]) -> None:
    assert split_terms(text) == expected


@pytest.mark.parametrize("text", ["really?", "まじ？", "حقا؟"])
def test_a_question_mark_of_any_script_is_recognised(text: str) -> None:
    assert has_question_mark(split_terms(text))
    assert not has_question_mark(split_terms(text[:-1]))
