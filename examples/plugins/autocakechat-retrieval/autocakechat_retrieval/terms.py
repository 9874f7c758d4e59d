"""Cuts text into terms: what two lines have in common when they speak of the same thing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

# Scripts that write no blanks between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese.
_NO_BLANKS = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]+)"
)
_QUESTION_MARKS = "?؟;՞፧"
_EMOJI_STYLE = "\ufe0f"


class _Table(dict[int, str]):
    """What `str.translate` makes of a character, so that blanks stand where terms end. Found out once for each."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] in "LNM" and character != _EMOJI_STYLE:
            self[code] = character
        elif category == "So" or character in _QUESTION_MARKS:
            self[code] = f" {character} "
        else:
            self[code] = " "
        return self[code]


_table = _Table()


def terms(text: str) -> list[str]:
    """Cuts text of any script into terms.

    Case, accents' encoding and full-width forms make no difference. Words are terms, and so are emoji and question
    marks; where a script writes no blanks between words, every character and every two neighbours are.

    Args:
        text: A line of a conversation.

    Returns:
        The terms in their order; none for a line of blanks and other punctuation.
    """
    words = unicodedata.normalize("NFKC", text).casefold().translate(_table).split()
    return words if text.isascii() else [term for word in words for term in _terms_of(word)]


def _terms_of(word: str) -> Iterator[str]:
    for number, part in enumerate(_NO_BLANKS.split(word)):
        if number % 2:
            yield from part
            yield from (first + second for first, second in pairwise(part))
        elif part:
            yield part
