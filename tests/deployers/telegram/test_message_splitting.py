"""What a text becomes on its way out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autocakechat.plugins.deployers.telegram.replying.message_splitting import separate, split


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n😀a"), max_size=300)


@given(texts, st.integers(2, 40))
def test_every_part_fits_and_nothing_but_blanks_is_lost(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(0 < units(part) <= limit for part in parts)
    assert all(part.strip() for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.replace("\0", "").split())


def test_a_cut_is_made_between_words() -> None:
    assert split("one two three four", 9) == ["one two", "three", "four"]


def test_a_word_that_is_too_long_is_cut_between_characters_never_inside_one() -> None:
    assert split("😀😀😀", 5) == ["😀😀", "😀"]


def test_halves_of_characters_are_replaced() -> None:
    assert split("a\ud800b") == ["a\ufffdb"]


def test_each_line_is_a_message() -> None:
    assert separate("one\n\n two \nthree") == ["one", "two", "three"]


def test_a_text_of_very_many_lines_stays_in_one_piece() -> None:
    text = "\n".join(map(str, range(50)))
    assert separate(text) == [text]
