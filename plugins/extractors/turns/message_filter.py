"""Selects the messages that can become part of a dialog, by their text and time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from autocakechat import Message

if TYPE_CHECKING:
    from autocakechat.plugins.extractors.turns.options import TurnsOptions


_BLANK, _TOO_LONG = "blank", "too long"
_INVISIBLE_RANGES = (
    "\x00 \x7f\xa0\xad\xad",  # control characters, spaces, the soft hyphen
    "\u034f\u034f\u061c\u061c\u115f\u1160\u1680\u1680\u17b4\u17b5\u180b\u180f",  # joiners and fillers
    "\u2000\u200f\u2028\u202f\u205f\u206f\u2800\u2800",  # spaces, zero-width characters, blank Braille
    "\u3000\u3000\u3164\u3164\ufe00\ufe0f\ufeff\ufeff\uffa0\uffa0\ufff9\ufffb",
    "\U0001d173\U0001d17a\U000e0000\U000e0fff",  # of musical notation, tags and variation selectors
)
"""First and last character of each range of characters without a glyph."""
INVISIBLE = frozenset(
    chr(code)
    for ranges in _INVISIBLE_RANGES
    for first, last in zip(ranges[::2], ranges[1::2], strict=True)
    for code in range(ord(first), ord(last) + 1)
)


class MessageFilter:
    """The limits that a message has to satisfy.

    The extraction compares every message with the limits itself, since a call per message is slow, and calls
    `drop_reason` only for messages outside of them.

    Args:
        options: The options of the extractor.

    Attributes:
        min_length: Minimum length of a text, in characters.
        max_length: Maximum length of a text, in characters.
        since: First time that is in the date range, in seconds since 1970; None without a limit.
        until: First time after the date range, in seconds since 1970; None without a limit.
    """

    def __init__(self, options: TurnsOptions) -> None:
        self.min_length = options.min_length
        self.max_length = options.max_length
        self.since = _midnight(options.since) if options.since else None
        self.until = _midnight(options.until + timedelta(days=1)) if options.until else None

    def drop_reason(self, message: Message) -> str:
        """Returns why a message is outside the limits."""
        if not message.text:
            return message.kind
        if is_blank(message.text):
            return _BLANK
        if not message.sender:
            return "unknown sender"
        if len(message.text) < self.min_length:
            return "too short"
        if len(message.text) > self.max_length:
            return _TOO_LONG
        return "outside the date range"

    def is_unread(self, message: Message, reason: str) -> bool:
        """Returns whether a dropped message said something that no text tells, so that an answer to it may follow.

        Args:
            message: The message.
            reason: Why it is dropped. A blank or empty text says nothing.
        """
        if reason == _TOO_LONG:
            return True
        is_content = bool(message.sender) and message.kind != "text" and not message.kind.startswith("service")
        return not message.text and is_content


def is_blank(text: str) -> bool:
    """Returns whether a text shows nothing: white space, and characters without a glyph."""
    return INVISIBLE.issuperset(text)


def _midnight(day: date) -> int:
    """Returns when a day begins, in seconds since 1970, UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
