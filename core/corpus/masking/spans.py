"""Spans: parts of a text."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
"""Start and end of a part of a text."""

GAP = " \u00a0\u2007\u2009\u202f"
"""Blanks between groups of digits: also the no-break, figure and thin spaces of typographers."""


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Sorts spans and joins those that overlap."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def replace_spans(text: str, spans: list[Span], placeholder: str) -> str:
    """Replaces spans, which are sorted and do not overlap, by a placeholder."""
    parts = []
    position = 0
    for start, end in spans:
        parts += [text[position:start], placeholder]
        position = end
    return "".join([*parts, text[position:]])
