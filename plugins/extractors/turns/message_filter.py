"""Selects the messages that can become part of a dialog, by their text and time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from autocakechat import Message

if TYPE_CHECKING:
    from autocakechat.plugins.extractors.turns.options import TurnsOptions

_ALWAYS = 1 << 62  # a time after any message, in seconds since 1970


class MessageFilter:
    """The limits that a message has to satisfy.

    The extraction checks the limits itself, since a call per message would be slow, and asks for the reason only if a
    message fails the check.

    Args:
        options: The options of the extractor.

    Attributes:
        min_length: Minimum length of a text, in characters.
        max_length: Maximum length of a text, in characters.
        since: First time to use, in seconds since 1970.
        until: First time not to use any more, in seconds since 1970.
    """

    def __init__(self, options: TurnsOptions) -> None:
        self.min_length = options.min_length
        self.max_length = options.max_length
        self.since = _midnight(options.since) if options.since else -_ALWAYS
        self.until = _midnight(options.until + timedelta(days=1)) if options.until else _ALWAYS

    def drop_reason(self, message: Message) -> str:
        """Returns why a message fails the check."""
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
