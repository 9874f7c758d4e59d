"""Selects the messages that can become part of a dialog, by their text and time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from autocakechat import Message

if TYPE_CHECKING:
    from autocakechat.plugins.extractors.turns.options import TurnsOptions


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
        if message.text.isspace():
            return "blank"
        if not message.sender:
            return "unknown sender"
        if len(message.text) < self.min_length:
            return "too short"
        if len(message.text) > self.max_length:
            return "too long"
        return "outside the date range"


def _midnight(day: date) -> int:
    """Returns when a day begins, in seconds since 1970, UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
