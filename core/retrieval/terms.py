"""Splits text into search terms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

from autocakechat.text import UNSPACED_SCRIPTS

_UNSPACED_PART = re.compile(f"([{UNSPACED_SCRIPTS}]+)")
_QUESTION_MARKS = "?؟;՞፧"
_EMOJI_PRESENTATION = "\ufe0f"


class _TranslationTable(dict[int, str]):
    """A table for `str.translate` that separates terms by spaces. Entries are computed on first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] in "LNM" and character != _EMOJI_PRESENTATION:
            self[code] = character
        elif category == "So" or character in _QUESTION_MARKS:
            self[code] = f" {character} "
        else:
            self[code] = " "
        return self[code]


_table = _TranslationTable()


def split_terms(text: str) -> list[str]:
    """Splits text of any script into terms.

    Case, Unicode normalisation form and full-width forms are ignored. Terms are words, emoji and question marks. In
    scripts without spaces between words, terms are characters and pairs of adjacent characters.

    Args:
        text: A line of a conversation.

    Returns:
        The terms in order; none for a line of white space and other punctuation.
    """
    words = unicodedata.normalize("NFKC", text).casefold().translate(_table).split()
    return words if text.isascii() else [term for word in words for term in _split_word(word)]


def has_question_mark(words: Iterable[str]) -> bool:
    """Returns whether terms contain a question mark of any script."""
    return any(word in _QUESTION_MARKS for word in words)


def _split_word(word: str) -> Iterator[str]:
    """Splits the parts of a word that are in scripts without spaces."""
    for number, part in enumerate(_UNSPACED_PART.split(word)):
        if number % 2:  # a match
            yield from part
            yield from (first + second for first, second in pairwise(part))
        elif part:
            yield part
