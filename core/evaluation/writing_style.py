"""Writing style in any language: length, punctuation, case, emoji."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

import attrs

from autocakechat.evaluation.metrics import margin_of_error, mean, split_words

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


@attrs.frozen
class StyleMetrics:
    """Style metrics over several replies. Shares are from 0 to 1. None where a metric is undefined.

    `metric_registry` describes each field. `capital_first`, `lower_case` and `shouted` are shares of the replies that
    have letters with case.
    """

    words: float | None
    median_words: float | None
    characters: float | None
    lines: float | None
    different: float | None
    ends_with_mark: float | None
    full_stops: float | None
    commas: float | None
    questions: float | None
    exclamations: float | None
    dots: float | None
    emoji: float | None
    emoji_each: float | None
    emoticons: float | None
    capital_first: float | None
    lower_case: float | None
    shouted: float | None


def measure_style(replies: Sequence[str]) -> StyleMetrics:
    """Returns the style metrics of several replies."""
    texts = [reply.strip() for reply in replies]
    values = _values(texts)
    return StyleMetrics(
        **{key: mean(numbers) for key, numbers in values.items()},
        median_words=median(values["words"]) if texts else None,
        different=len(set(texts)) / len(texts) if texts else None,
    )


def style_margins(replies: Sequence[str]) -> dict[str, float | None]:
    """Returns the margin of error of each style metric that is a mean over replies."""
    return {key: margin_of_error(numbers) for key, numbers in _values([reply.strip() for reply in replies]).items()}


def _values(texts: Sequence[str]) -> dict[str, list[float]]:
    """Returns the value of each reply: a number, or 1 and 0 for a share of the replies."""
    cased = [text for text in texts if any(map(_has_case, text))]
    return {
        "words": [sum(word[0].isalnum() or word[0] == "_" for word in split_words(text)) for text in texts],
        "characters": [len(text) for text in texts],
        "lines": [1 + text.count("\n") for text in texts],
        "ends_with_mark": [text[-1:] in set(_LAST_MARKS) for text in texts],
        "full_stops": [text[-1:] in set(".。．।") and text[-2:-1] != "." for text in texts],
        "commas": [any(mark in text for mark in ",，、،") for text in texts],
        "questions": [any(mark in text for mark in "?？؟") for text in texts],
        "exclamations": [any(mark in text for mark in "!！") for text in texts],
        "dots": [".." in text or "…" in text for text in texts],
        "emoji": [bool(_EMOJI.search(text)) for text in texts],
        "emoji_each": [len(_EMOJI.findall(text)) for text in texts],
        "emoticons": [bool(_EMOTICON.search(text)) for text in texts],
        "capital_first": [next(filter(_has_case, text)).isupper() for text in cased],
        "lower_case": [text == text.lower() for text in cased],
        "shouted": [any(len(word) >= 3 and word.isupper() for word in re.findall(r"\w+", text)) for text in cased],
    }


def _has_case(letter: str) -> bool:
    return letter.lower() != letter.upper()
