"""Joins the pieces of an export to messages, and puts their times in order."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from autocakechat_whatsapp.block_splitter import MAX_LINE, SplitBlock
from autocakechat_whatsapp.export_format import ExportFormat
from autocakechat_whatsapp.header_parser import Hour

_MAX_LENGTH = 100_000  # characters of a message; WhatsApp allows 65,536
_MINUTE, _DAY = 60, 86_400  # seconds
_MAX_HOURS = 10_000


class RawMessages(NamedTuple):
    """Consecutive messages in the file, by column.

    Attributes:
        are_ios: Whether they have the form of iOS, with date and time in brackets.
        sent: The time in the header, in seconds since 1970; None if the date does not exist.
        names: The name with a colon and a blank, if there is one in the usual form.
        texts: Everything after the header and the name, including all further lines.
    """

    are_ios: list[bool]
    sent: list[int | None]
    names: list[str | None]
    texts: list[str]

    def extend(self, others: RawMessages) -> None:
        """Adds messages."""
        self.are_ios.extend(others.are_ios)
        self.sent.extend(others.sent)
        self.names.extend(others.names)
        self.texts.extend(others.texts)

    def append_to_last(self, lines: str) -> None:
        """Adds lines, each after a line break, to the last message, until it is too long."""
        if not lines or not self.texts:
            return
        length = len(self.names[-1] or "") + len(self.texts[-1])
        parts = [self.texts[-1]]
        for line in iter(partial(io.StringIO(lines).readline, MAX_LINE), ""):
            if length >= _MAX_LENGTH:
                break
            parts.append(line)
            length += len(line)
        self.texts[-1] = "".join(parts)

    def split_last(self) -> tuple[RawMessages, RawMessages]:
        """Returns all messages but the last one, and the last one."""
        return self._part(slice(-1)), self._part(slice(-1, None))

    def _part(self, part: slice) -> RawMessages:
        return RawMessages(self.are_ios[part], self.sent[part], self.names[part], self.texts[part])


class MessageJoiner:
    """Joins pieces to messages.

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
        self._starts = _StartTimes(export_format, zone)
        self._last_times: tuple[int, int] | None = None  # of the two latest messages
        self._line = 0  # lines before the next block

    def join(self, blocks: Iterable[SplitBlock]) -> Iterator[tuple[RawMessages, int | None]]:
        """Yields messages, and the time of the message after them. Lines before the first header are ignored."""
        messages = RawMessages([], [], [], [])
        for block in blocks:
            messages.append_to_last(block.before)
            starts = map(self._starts.__getitem__, block.hours)
            times = [start + seconds for start, seconds in zip(starts, block.seconds, strict=True) if start is not None]
            if len(times) < len(block.hours):
                self._add_pieces(messages, block)
            elif times:
                self._remember_times(times)
                are_ios = [self._format.header_format.bracket] * len(times)
                messages.extend(RawMessages(are_ios, list(times), block.names, block.texts))
            self._line += block.line_breaks
            complete, messages = messages.split_last()
            if complete.sent:
                yield complete, messages.sent[0]
        if messages.sent:
            yield messages, None

    def _add_pieces(self, messages: RawMessages, block: SplitBlock) -> None:
        """Adds the pieces of a block one by one."""
        line = self._line + block.before.count("\n") + 1
        for index, (hour, seconds) in enumerate(zip(block.hours, block.seconds, strict=True)):
            if self._begins_message(hour, seconds):
                sent = self._time_of(hour, seconds)
                name, text = block.names[index], block.texts[index]
                messages.extend(RawMessages([hour.format.bracket], [sent], [name], [text]))
            else:
                self.unread_count += 1
                self.first_unread_line = self.first_unread_line or line
                messages.append_to_last(f"\n{block.source(index)}")
            line += 1 + block.texts[index].count("\n")

    def _begins_message(self, hour: Hour, seconds: int) -> bool:
        if self._starts[hour] is not None:
            return True
        if not self._format.is_possible(hour):
            return False
        if hour.format == self._format.header_format or self._last_times is None:
            return True
        sent = self._format.unix_time(hour, seconds, self._zone)
        # Some formats have no seconds. One of the two latest times may be of a wrong clock.
        return sent is not None and sent > min(self._last_times) - _MINUTE

    def _time_of(self, hour: Hour, seconds: int) -> int | None:
        start = self._starts[hour]
        sent = self._format.unix_time(hour, seconds, self._zone) if start is None else start + seconds
        if sent is not None:
            self._remember_times([sent])
        return sent

    def _remember_times(self, times: list[int]) -> None:
        before_last = times[-2] if len(times) > 1 else self._last_times[1] if self._last_times else times[0]
        self._last_times = before_last, times[-1]


class _StartTimes(dict[Hour, int | None]):
    """The beginnings of hours; see `ExportFormat.start_of_regular_hour`."""

    def __init__(self, export_format: ExportFormat, zone: ZoneInfo) -> None:
        self._format = export_format
        self._zone = zone

    def __missing__(self, hour: Hour) -> int | None:
        if len(self) > _MAX_HOURS:
            self.clear()
        self[hour] = self._format.start_of_regular_hour(hour, self._zone)
        return self[hour]


class Clock:
    """Puts the times of messages in order.

    Messages are sorted by arrival, so a late one has an earlier time than the one before it: it gets the time of that
    one. Where time goes back by more than a day, the clock was wrong before.
    """

    def __init__(self) -> None:
        self._latest = 0

    def times_of(self, sent: Sequence[int | None], following: int | None) -> list[int]:
        """Returns the times of the next messages.

        Args:
            sent: The time in the header of each one, if its date exists.
            following: The time of the message after them, if there is one.
        """
        times = [time for time in sent if time is not None]
        around = [self._latest, *times, times[-1] if following is None else following] if times else []
        if len(times) == len(sent) and around == sorted(around):
            self._latest = times[-1]
            return times
        return list(map(self._time_of, sent, chain(sent[1:], (following,))))

    def _time_of(self, sent: int | None, following: int | None) -> int:
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
