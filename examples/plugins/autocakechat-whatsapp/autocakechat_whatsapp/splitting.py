"""Joins the lines of an export to messages, and puts their times in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from autocakechat_whatsapp.export_format import ExportFormat
from autocakechat_whatsapp.header_parser import HeaderParser, Hour

_MAX_LENGTH = 100_000  # characters of a message; WhatsApp allows 65,536
_MINUTE, _DAY = 60, 86_400  # seconds


class RawMessage(NamedTuple):
    """A message in the file.

    Attributes:
        is_ios: Whether it has the form of iOS, with date and time in brackets.
        sent: The time in the header, in seconds since 1970; None if the date does not exist.
        body: Everything after the header's date, including all further lines.
    """

    is_ios: bool
    sent: int | None
    body: str


class MessageSplitter:
    """Joins lines to messages.

    A header of the main format begins a message. So does a header of another format that continues the conversation:
    the phone's settings changed between two parts of a file. One that is older than the messages before it belongs to
    pasted text.

    Args:
        export_format: The format of the export.
        zone: The time zone of the phone.

    Attributes:
        unread_count: Number of lines so far that look like a header and begin no message.
        first_unread_line: The number of the first of these lines, from 1.
    """

    def __init__(self, export_format: ExportFormat, zone: ZoneInfo) -> None:
        self.unread_count = 0
        self.first_unread_line = 0
        self._format = export_format
        self._zone = zone
        self._start_of = lru_cache(maxsize=1000)(partial(export_format.start_of_regular_hour, zone=zone))
        self._last_times: tuple[int, int] | None = None  # of the two latest messages

    def split(self, lines: Iterable[str]) -> Iterator[RawMessage]:
        """Yields the messages. Lines before the first header are ignored."""
        current: Hour | None = None
        sent: int | None = None
        parse = HeaderParser().parse
        parts: list[str] = []
        length = 0
        for number, line in enumerate(lines, start=1):
            header = parse(line)
            if header and self._begins_message(header[0], header[1]):
                if current:
                    yield RawMessage(current.format.bracket, sent, "".join(parts).rstrip("\n"))
                current, seconds, body = header
                parts, length = [body], len(body)
                sent = self._time_of(current, seconds)
                continue
            if header:
                self.unread_count += 1
                self.first_unread_line = self.first_unread_line or number
            if length < _MAX_LENGTH:
                parts.append(line)
                length += len(line)
        if current:
            yield RawMessage(current.format.bracket, sent, "".join(parts).rstrip("\n"))

    def _begins_message(self, hour: Hour, seconds: int) -> bool:
        if self._start_of(hour) is not None:
            return True
        if not self._format.is_possible(hour):
            return False
        if hour.format == self._format.header_format or self._last_times is None:
            return True
        sent = self._format.unix_time(hour, seconds, self._zone)
        # Some formats have no seconds. One of the two latest times may be of a wrong clock.
        return sent is not None and sent > min(self._last_times) - _MINUTE

    def _time_of(self, hour: Hour, seconds: int) -> int | None:
        start = self._start_of(hour)
        sent = self._format.unix_time(hour, seconds, self._zone) if start is None else start + seconds
        if sent is not None:
            self._last_times = (self._last_times[1] if self._last_times else sent, sent)
        return sent


class Clock:
    """Puts the times of messages in order.

    Messages are sorted by arrival, so a late one has an earlier time than the one before it: it gets the time of that
    one. Where time goes back by more than a day, the clock was wrong before.
    """

    def __init__(self) -> None:
        self._latest = 0

    def time_of(self, sent: int | None, following: int | None) -> int:
        """Returns the time of the next message.

        Args:
            sent: The time in its header, if its date exists.
            following: The time of the message after it, if there is one.
        """
        if sent is None:
            return self._latest
        is_ahead = following is not None and self._latest - _DAY <= following < sent - _DAY
        is_behind = sent < self._latest - _DAY and following is not None and following < self._latest - _DAY
        if is_behind:
            self._latest = sent
        elif not (is_ahead and self._latest):
            self._latest = max(self._latest, sent)
        return self._latest
