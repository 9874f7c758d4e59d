"""Text styles: tokenization and detokenization.

A model uses one of two styles:

- "cakechat" is the original's: lower-case words and single signs, joined again by a few rules. It loses information.
- "natural" keeps what is typical of a person's writing: case, emoji, line breaks and the absence of spaces.
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
    """A tokenizer and its inverse.

    Attributes:
        tokenize: Splits text into tokens. Blank text has no tokens.
        join: Joins tokens, without service tokens, to text.
        variants: Replacements for an out-of-vocabulary token, the nearest first.
        normalise_token: Returns the normalised form of a token, in which tokens are compared with banned words.
    """

    tokenize: Callable[[str], list[str]]
    join: Callable[[Iterable[str]], str]
    variants: Callable[[str], Iterable[str]]
    normalise_token: Callable[[str], str]


# The style "cakechat".

_CAKECHAT_TOKEN = re.compile(r"\w+|[^\w\s]")
_SPACE_BEFORE_PUNCTUATION = re.compile(r" ([.?!,])")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.?!] ))\w")


def tokenize_cakechat(text: str) -> list[str]:
    """Splits text into lower-case words and single signs, as the original does."""
    return _CAKECHAT_TOKEN.findall(text.lower())


def join_cakechat(tokens: Iterable[str]) -> str:
    """Joins tokens to one line, with capitals at sentence starts, as the original does."""
    joined = " ".join(tokens).replace(" ' ", "'")
    joined = _SPACE_BEFORE_PUNCTUATION.sub(r"\1", joined)
    return _SENTENCE_START.sub(lambda letter: letter.group().upper(), joined)


# The style "natural". A token that follows the previous one without a space starts with a word joiner.

JOINER = "\u2060"
NEWLINE = "\n"


def _combining_marks() -> str:
    r"""Returns the combining marks, such as the vowel signs of Hindi, as ranges of a character class.

    They belong to the letter before them, but `\w` does not match them.
    """
    blocks = (*range(0x300, 0x2000), *range(0x20D0, 0x2100), *range(0xA66F, 0xAC00))
    marks = [code for code in blocks if unicodedata.category(chr(code)).startswith("M")]
    # Consecutive code points have the same difference to their index.
    groups = groupby(enumerate(marks), key=lambda indexed: indexed[1] - indexed[0])
    ranges = ([code for _, code in group] for _, group in groups)
    return "".join(f"{chr(codes[0])}-{chr(codes[-1])}" for codes in ranges)


_MARK = _combining_marks()
# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese.
_SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_MODIFIER = rf"[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f{_MARK}]"
_WORD = rf"[^\W{_SINGLE}](?:[^\W{_SINGLE}]|[{_MARK}])*"
_NATURAL_TOKEN = re.compile(
    rf"""
      https?://\S+
    | [0-9\#*]\ufe0f?\u20e3                                            # keycaps
    | {_WORD}(?:['’]{_WORD})*                                          # words; "don't" is one token
    | [{_SINGLE}][{_MARK}]*                                            # one character of a script without spaces
    | [\U0001f1e6-\U0001f1ff]{{2}}                                     # flags
    | ([^\w\s])\1{{1,3}}(?!{_MODIFIER}|\u200d)                         # repeated signs: ... and !!!
    | [^\w\s]{_MODIFIER}*(?:\u200d[^\w\s]{_MODIFIER}*)*                # signs and emoji with their modifiers
    | \n
    """,
    re.VERBOSE,
)


def normalise_text(text: str) -> str:
    """Returns text as `join_natural` restores it: single spaces, single line breaks, no space at either end."""
    lines = text.replace(JOINER, "").replace("\r", NEWLINE).split("\n")
    return NEWLINE.join(" ".join(words) for line in lines if (words := line.split()))


def tokenize_natural(text: str) -> list[str]:
    """Splits text into words, signs, emoji and line breaks."""
    tokens: list[str] = []
    end = -1
    for match in _NATURAL_TOKEN.finditer(normalise_text(text)):
        token = match.group()
        joined = match.start() == end and token != NEWLINE and tokens[-1] != NEWLINE
        tokens.append(JOINER + token if joined else token)
        end = match.end()
    return tokens


def join_natural(tokens: Iterable[str]) -> str:
    """Joins the tokens of `tokenize_natural` to text."""
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
    """Yields the token in lower case, without its word joiner, and both."""
    yield token.lower()
    if token.startswith(JOINER):
        yield token[len(JOINER) :]
        yield token[len(JOINER) :].lower()


STYLES: dict[StyleName, Style] = {
    "cakechat": Style(tokenize_cakechat, join_cakechat, variants=lambda token: (), normalise_token=lambda token: token),
    "natural": Style(
        tokenize_natural,
        join_natural,
        variants=_natural_variants,
        normalise_token=lambda token: token.removeprefix(JOINER).lower(),
    ),
}
