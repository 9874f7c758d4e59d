"""Splitting texts into messages that Telegram accepts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autocakechat.plugins.deployers.telegram.replying.message_splitting import split_by_line, split_to_fit


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n😀a"), max_size=300)


@given(TEXTS, st.integers(2, 40))
def test_every_part_fits_and_only_blanks_are_removed(text: str, limit: int) -> None:
    parts = split_to_fit(text, limit)
    assert all(0 < utf16_length(part) <= limit for part in parts)
    assert all(part.strip() for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.replace("\0", "").split())


def test_a_text_is_split_between_words() -> None:
    assert split_to_fit("one two three four", 9) == ["one two", "three", "four"]


def test_a_long_word_is_split_between_characters_and_never_inside_a_surrogate_pair() -> None:
    assert split_to_fit("😀😀😀", 5) == ["😀😀", "😀"]


def test_lone_surrogates_are_replaced() -> None:
    assert split_to_fit("a\ud800b") == ["a\ufffdb"]


def test_each_line_is_a_message() -> None:
    assert split_by_line("one\n\n two \nthree") == ["one", "two", "three"]


def test_a_text_with_very_many_lines_is_one_message() -> None:
    text = "\n".join(map(str, range(50)))
    assert split_by_line(text) == [text]
