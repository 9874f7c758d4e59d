"""Parses the headers of many lines quickly: most have an hour and a minute that were parsed before."""

from __future__ import annotations

import attrs

from autocakechat_whatsapp.header import Header, HeaderFormat, parse_header

_MAX_CACHED = 50_000  # hours or minutes


@attrs.frozen(eq=False)  # hashed by identity, which is quicker
class Hour:
    """What the headers of messages of the same hour share.

    Attributes:
        format: How they are written.
        date: The three numbers of the date, in the order of the file.
        hour: The hour, 0 to 23.
        us_format: Whether they have the format of the USA.
    """

    format: HeaderFormat
    date: tuple[int, int, int]
    hour: int
    us_format: bool


# The hour, the seconds since its beginning, and the rest of the line.
ParsedLine = tuple[Hour, int, str]
_Hours = dict[str, Hour]


class HeaderParser:
    """Parses headers as `parse_header` does.

    The colon after the hour, and what ends a header, split a line into three parts: `1/5/24, 3`, `04 PM` and the body.
    The first two are parsed once. The meaning of the first one depends on the day period in the second one, so there
    are hours for each day period.
    """

    def __init__(self) -> None:
        self._minutes: dict[str, tuple[int, _Hours]] = {}
        self._minutes_in_brackets: dict[str, tuple[int, _Hours]] = {}
        self._hours: dict[tuple[str, bool], _Hours] = {}
        self._cached = 0

    def parse(self, line: str) -> ParsedLine | None:
        """Parses the header at the beginning of a line; returns None if the line does not begin with one."""
        start, _, rest = line.partition(":")
        if line[0] == "[":
            minutes, end, body = rest.partition("] ")
            cached = self._minutes_in_brackets.get(minutes)
        else:
            minutes, end, body = rest.partition(" - ")
            cached = self._minutes.get(minutes)
        if end and cached:
            seconds, hours = cached
            if hour := hours.get(start):
                return hour, seconds, body
        return self._parse_new(line, start, minutes, end)

    def _parse_new(self, line: str, start: str, minutes: str, end: str) -> ParsedLine | None:
        """Parses a header as a whole, and keeps its parts if it has the usual ones."""
        header = parse_header(line)
        if header is None:
            return None
        minute, second = header.time[1:]
        seconds = minute * 60 + min(second, 59)  # 60 is a leap second
        hour = Hour(header.format, header.date, header.time[0], header.us_format)
        if end and self._has_usual_parts(header, start, minutes, end):
            self._keep(hour, seconds, start, minutes)
        return hour, seconds, header.body

    def _has_usual_parts(self, header: Header, start: str, minutes: str, end: str) -> bool:
        """Returns whether the parts are the hour and the minute of a header."""
        if not (start[-1:].isdecimal() and minutes[:2].isdecimal()):
            return False
        if header.format.seconds and not minutes[3:5].isdecimal():  # the colon is that after the minute: 14.30:05
            return False
        alone = parse_header(f"{start}:{minutes}{end}")
        return alone is not None and not alone.body

    def _keep(self, hour: Hour, seconds: int, start: str, minutes: str) -> None:
        if self._cached > _MAX_CACHED:
            self._minutes.clear()
            self._minutes_in_brackets.clear()
            self._hours.clear()
            self._cached = 0
        self._cached += 1
        day_period = minutes[5:] if hour.format.seconds else minutes[2:]
        hours = self._hours.setdefault((day_period, hour.format.seconds), {})
        hours[start] = hour
        of_kind = self._minutes_in_brackets if hour.format.bracket else self._minutes
        of_kind[minutes] = seconds, hours
