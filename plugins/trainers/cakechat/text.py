"""Text and tokens, as CakeChat cuts and joins them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"\w+|[^\w\s]")
_BEFORE_PUNCTUATION = re.compile(r" ([.?!,])")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.?!] ))\w")


def tokenize(text: str) -> list[str]:
    """Cuts text into lower-case words and single signs.

    Args:
        text: Anything; blank text has no tokens.

    Returns:
        The tokens in order.
    """
    return _TOKEN.findall(text.lower())


def prettify(tokens: Iterable[str]) -> str:
    """Joins tokens to text that reads well: the way back from `tokenize`, as far as there is one.

    Args:
        tokens: What a network said, without service tokens.

    Returns:
        One line with capitals where sentences begin.
    """
    joined = " ".join(tokens).replace(" ' ", "'")
    joined = _BEFORE_PUNCTUATION.sub(r"\1", joined)
    return _SENTENCE_START.sub(lambda letter: letter.group().upper(), joined)
