"""Finds the text of a message, whatever kind of message it is, and tells messages from notices of Telegram."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from telegram import Message, Update

from autocakechat.plugins.deployers.telegram.bot_api.text import clean_text

_RICH_MESSAGE = "rich_message"  # a field that the library does not know yet
_INLINE_PARTS = ("title", "summary", "text", "expression", "caption")
_LINE_PARTS = ("blocks", "items", "rows")


def parse_text(message: Message) -> str:
    """Returns what the sender wrote, cleaned: the text, a caption, a rich message, a checklist, the text of a gift."""
    return clean_text(message.text or message.caption or "\n".join(_other_lines(message)))


def is_content(message: Message) -> bool:
    """Returns whether a user sent a message to be read, with or without text, of a kind that may be unknown.

    Service messages, such as that a user joined a group, do not count. A gift does.
    """
    from telegram.ext import filters

    if message.gift or message.unique_gift:
        return True
    return message.text is None and not filters.StatusUpdate.ALL.check_update(Update(0, message=message))


def _other_lines(message: Message) -> Iterator[str]:
    if message.checklist:
        yield message.checklist.title
        yield from (task.text for task in message.checklist.tasks)
    if message.gift and message.gift.text:
        yield message.gift.text
    yield from filter(str.strip, _rich_lines(message.api_kwargs.get(_RICH_MESSAGE)))


def _rich_lines(part: Any) -> Iterator[str]:
    """Yields the lines of a part of a rich message: the text of a block, an item of a list, a row of a table."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for inner in part:
            yield from _rich_lines(inner)
    elif isinstance(part, dict):
        yield from (_inline_text(part[name]) for name in _INLINE_PARTS if name in part)
        yield from map(_row_text, _rows(part.get("cells")))
        for name in _LINE_PARTS:
            yield from _rich_lines(part.get(name))


def _rows(cells: Any) -> list[Any]:
    """Returns the rows of a table, each a list of cells."""
    if not isinstance(cells, list):
        return []
    return cells if all(isinstance(row, list) for row in cells) else [cells]


def _row_text(row: list[Any]) -> str:
    return " ".join(filter(None, (" ".join(_rich_lines(cell)) for cell in row)))


def _inline_text(part: Any) -> str:
    """Returns the text of a part within a line: a string, a part with a style, or a sequence of both."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(map(_inline_text, part))
    if not isinstance(part, dict):
        return ""
    formula_or_emoji = part.get("expression", part.get("alternative_text"))
    return _inline_text(part.get("text", formula_or_emoji))
