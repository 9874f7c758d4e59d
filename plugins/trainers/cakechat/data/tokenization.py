"""Text and tokens, in two styles.

"cakechat" is that of the original: lower-case words and single signs, joined again by a few rules. What is lost is
lost. "natural" keeps what makes a person's writing theirs: case, emoji, line breaks, and where there are blanks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Literal

import attrs

StyleName = Literal["natural", "cakechat"]


@attrs.frozen
class Style:
    """How text is cut into tokens and joined again.

    Attributes:
        tokenize: Cuts text into tokens. Blank text has none.
        join: Joins tokens, without service tokens, to text.
        variants: What may stand for a token that a vocabulary lacks, the nearest first.
        plain: What a token is called when people speak of it: in lists of banned words, say.
    """

    tokenize: Callable[[str], list[str]]
    join: Callable[[Iterable[str]], str]
    variants: Callable[[str], Iterable[str]]
    plain: Callable[[str], str]


# The original's style.

_CAKECHAT_TOKEN = re.compile(r"\w+|[^\w\s]")
_BEFORE_PUNCTUATION = re.compile(r" ([.?!,])")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.?!] ))\w")


def tokenize(text: str) -> list[str]:
    """Cuts text into lower-case words and single signs, as the original does."""
    return _CAKECHAT_TOKEN.findall(text.lower())


def prettify(tokens: Iterable[str]) -> str:
    """Joins such tokens to one line that reads well, with capitals where sentences begin."""
    joined = " ".join(tokens).replace(" ' ", "'")
    joined = _BEFORE_PUNCTUATION.sub(r"\1", joined)
    return _SENTENCE_START.sub(lambda letter: letter.group().upper(), joined)


# The natural style. A token that follows the one before without a blank begins with a word joiner.

JOINER = "\u2060"
NEWLINE = "\n"


def _marks() -> str:
    """Returns the marks that belong to the letter before them, such as vowels of Hindi, as ranges of a character class.

    Python's regular expressions do not count them to words.
    """
    looked_at = (*range(0x300, 0x2000), *range(0x20D0, 0x2100), *range(0xA66F, 0xAC00))
    numbers = [number for number in looked_at if unicodedata.category(chr(number)).startswith("M")]
    runs = (list(run) for _, run in groupby(enumerate(numbers), key=lambda numbered: numbered[1] - numbered[0]))
    return "".join(f"{chr(run[0][1])}-{chr(run[-1][1])}" for run in runs)


_MARK = _marks()
# Scripts that write no blanks between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese.
_SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_MODIFIER = rf"[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f{_MARK}]"
_WORD = rf"[^\W{_SINGLE}](?:[^\W{_SINGLE}]|[{_MARK}])*"
_NATURAL_TOKEN = re.compile(
    rf"""
      https?://\S+
    | [0-9\#*]\ufe0f?\u20e3                                            # keycaps
    | {_WORD}(?:['’]{_WORD})*                                          # words: don't is one
    | [{_SINGLE}][{_MARK}]*                                            # one character of a script without blanks
    | [\U0001f1e6-\U0001f1ff]{{2}}                                     # flags
    | ([^\w\s])\1{{1,3}}(?!{_MODIFIER}|\u200d)                         # ... and !!!
    | [^\w\s]{_MODIFIER}*(?:\u200d[^\w\s]{_MODIFIER}*)*                # signs and emoji with all that belongs to them
    | \n
    """,
    re.VERBOSE,
)


def normalize(text: str) -> str:
    """Returns text as the natural style gives it back: single blanks, single line breaks, none at the ends."""
    text = re.sub(r"\s*\n\s*", NEWLINE, text.replace(JOINER, "").replace("\r", NEWLINE))
    return re.sub(r"[^\S\n]+", " ", text).strip()


def cut_naturally(text: str) -> list[str]:
    """Cuts text into words, signs, emoji and line breaks."""
    tokens: list[str] = []
    end = -1
    for match in _NATURAL_TOKEN.finditer(normalize(text)):
        token = match.group()
        joined = match.start() == end and token != NEWLINE and tokens[-1] != NEWLINE
        tokens.append(JOINER + token if joined else token)
        end = match.end()
    return tokens


def join_naturally(tokens: Iterable[str]) -> str:
    """Joins such tokens to text."""
    text = ""
    for token in tokens:
        if token.startswith(JOINER):
            text += token[len(JOINER) :]
        elif token == NEWLINE or not text or text.endswith(NEWLINE):
            text += token
        else:
            text += f" {token}"
    return text.strip()


def _natural_variants(token: str) -> Iterator[str]:
    """In lower case; with the blank that is missing; or both."""
    yield token.lower()
    if token.startswith(JOINER):
        yield token[len(JOINER) :]
        yield token[len(JOINER) :].lower()


STYLES: dict[StyleName, Style] = {
    "cakechat": Style(tokenize, prettify, variants=lambda token: (), plain=lambda token: token),
    "natural": Style(
        cut_naturally,
        join_naturally,
        variants=_natural_variants,
        plain=lambda token: token.removeprefix(JOINER).lower(),
    ),
}
