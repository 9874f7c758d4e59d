"""Writing style in any language: length, punctuation, case, emoji."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from autocakechat.evaluation.metrics import split_words

_LAST_MARKS = ".!?…。．！？؟।"
_EMOJI = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3|"
    "[\u203c\u2049\u231a-\u23ff\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935\u2b00-\u2bff\u3030\u303d"
    "\U0001f000-\U0001f1e5\U0001f200-\U0001faff])"
    # Modifiers of the emoji before: variants, skin tones, tags, joined emoji.
    "[\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
    "(?:\u200d[\u2190-\u2bff\U0001f000-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]*)*"
)
_EMOTICON = re.compile(
    r"(?<![:;=])[:;]['’]?[-^]?[()D]+(?!\w)"
    r"|(?<![\w:;=])[:;=]['’]?[-^]?[()\[\]DPpOo3*/\\|]+(?!\w)"
    r"|(?<!\w)[xX]D+(?!\w)|<3(?!\w)|(?<!\S)\^_*\^(?!\S)"
    r"|\A[^(]*(?:[^\W\d_]{2}|[.!?…,])\)+(?!\w)"  # a mouth alone, as common in Russian)))
)


def style_values(replies: Sequence[str]) -> dict[str, list[float | None]]:
    """Measures the style of each reply.

    Args:
        replies: The replies.

    Returns:
        For each metric that is a mean over replies, its values: numbers, or 1 and 0 for a share. None where a reply has
        no value: replies without letters that have case have no value for the three metrics of case.
    """
    texts = [reply.strip() for reply in replies]
    return {
        key: [measure(text) if key not in _CASE or any(map(_has_case, text)) else None for text in texts]
        for key, measure in {**_LENGTH, **_MARKS, **_EMOJI_USE, **_CASE}.items()
    }


def emoji_of(text: str) -> list[str]:
    """Returns the emoji of a text; a composed one counts once."""
    return _EMOJI.findall(text)


def word_count(text: str) -> int:
    """Returns the number of words of a text, punctuation left out."""
    return sum(word[0].isalnum() or word[0] == "_" for word in split_words(text))


def _has_case(letter: str) -> bool:
    return letter.lower() != letter.upper()


_Measures = dict[str, Callable[[str], float]]

_LENGTH: _Measures = {
    "length.words": word_count,
    "length.characters": len,
    "length.lines": lambda text: 1 + text.count("\n"),
}
_MARKS: _Measures = {
    "style.ends_with_mark": lambda text: text[-1:] in set(_LAST_MARKS),
    "style.full_stops": lambda text: text[-1:] in set(".。．।") and text[-2:-1] != ".",
    "style.commas": lambda text: any(mark in text for mark in ",，、،"),
    "style.questions": lambda text: any(mark in text for mark in "?？؟"),
    "style.exclamations": lambda text: any(mark in text for mark in "!！"),
    "style.dots": lambda text: ".." in text or "…" in text,
}
_EMOJI_USE: _Measures = {
    "style.emoji": lambda text: bool(_EMOJI.search(text)),
    "style.emoji_each": lambda text: len(emoji_of(text)),
    "style.emoticons": lambda text: bool(_EMOTICON.search(text)),
}
_CASE: _Measures = {
    "style.capital_first": lambda text: next(filter(_has_case, text)).isupper(),
    "style.lower_case": lambda text: text == text.lower(),
    "style.shouted": lambda text: any(len(word) >= 3 and word.isupper() for word in re.findall(r"\w+", text)),
}
STYLE_FAMILIES = {
    "length": tuple(_LENGTH),
    "punctuation": tuple(_MARKS),
    "emoji": tuple(_EMOJI_USE),
    "case": tuple(_CASE),
}
"""The metrics of each kind of habit."""
