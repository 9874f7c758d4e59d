"""Spans: parts of a text."""

from __future__ import annotations

Span = tuple[int, int]
"""Start and end of a part of a text."""

GAP = " \u00a0\u2007\u2009\u202f"
"""Blanks between groups of digits: also the no-break, figure and thin spaces of typographers."""


def replace_spans(text: str, spans: list[Span], placeholder: str) -> str:
    """Replaces spans, which are sorted and do not overlap, by a placeholder."""
    parts = []
    position = 0
    for start, end in spans:
        parts += [text[position:start], placeholder]
        position = end
    return "".join([*parts, text[position:]])
