"""The text of rich messages, which the desktop application writes since 2026 instead of a plain text.

A rich message is a tree of blocks, such as paragraphs, lists and tables. Formatted text within a block is a tree, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_TEXTS = ("title", "text", "caption")
_BLOCKS = ("blocks", "items", "rows", "cells")
_KNOWN = frozenset((*_TEXTS, *_BLOCKS))
_MAX_DEPTH = 100


def rich_text(message: Any) -> str:
    """Returns the text of a rich message: one line per paragraph, item of a list and row of a table."""
    return "\n".join(line for line in _lines(message, _MAX_DEPTH) if line.strip())


def unknown_parts(message: Any) -> set[str]:
    """Returns the keys of a rich message that are not known and hold parts with a text."""
    return {
        key for part in _parts(message) for key in part.keys() - _KNOWN if any("text" in p for p in _parts(part[key]))
    }


def _parts(block: Any) -> Iterator[dict[str, Any]]:
    """Yields all parts of a block, at any depth."""
    waiting = [block]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()


def _lines(block: Any, depth: int) -> Iterator[str]:
    """Yields the lines of a block, or of a list of blocks, in the order of the file."""
    if isinstance(block, str):
        yield block
    elif isinstance(block, list) and depth:
        for part in block:
            yield from _lines(part, depth - 1)
    elif isinstance(block, dict) and depth:
        for key, value in block.items():
            if key in _TEXTS and not _has_blocks(value):
                yield _inline(value, depth - 1)
            elif key == "cells":
                yield from _rows(value, depth - 1)
            elif key in _TEXTS or key in _BLOCKS:
                yield from _lines(value, depth - 1)


def _rows(cells: Any, depth: int) -> Iterator[str]:
    """Yields a line for a row of cells, or for each row of a list of rows."""
    rows = cells if isinstance(cells, list) and cells and isinstance(cells[0], list) else [cells]
    for row in rows:
        columns = row if isinstance(row, list) else [row]
        yield " ".join(text for cell in columns if (text := " ".join(_lines(cell, depth)).strip()))


def _inline(text: Any, depth: int) -> str:
    """Joins the parts of a formatted text."""
    if isinstance(text, str):
        return text
    if isinstance(text, list) and depth:
        return "".join(_inline(part, depth - 1) for part in text)
    if isinstance(text, dict) and depth:
        return _inline(text.get("text"), depth - 1)
    return ""


def _has_blocks(value: Any) -> bool:
    return isinstance(value, dict) and any(key in value for key in _BLOCKS)
