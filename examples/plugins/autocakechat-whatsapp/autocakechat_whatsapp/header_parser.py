"""Parses the headers of many messages quickly: most have an hour and a minute that were parsed before."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from autocakechat_whatsapp.header import Header, HeaderFormat, parse_header

_MAX_CACHED = 50_000  # hours or minutes
_DIGIT = re.compile(r"\d")


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


class HeaderParser:
    """Parses headers as `parse_header` does.

    The end of the hour splits a header into two parts: `1/5/24, 3` and `:04 PM - `. Each part is parsed once. The
    meaning of the first one depends on the day period in the second one, so there are hours for each kind of ending:
    an ending without its digits.
    """

    def __init__(self) -> None:
        self._hours: dict[tuple[HeaderFormat, tuple[int, int, int], int, bool], Hour] = {}
        self._kinds = _Kinds(self)

    def parse(self, line: str) -> ParsedLine | None:
        """Parses the header at the beginning of a line; returns None if the line does not begin with one."""
        header = parse_header(line)
        return (self.hour_of(header), _seconds(header), header.body) if header else None

    def parse_parts(self, starts: Sequence[str], endings: Sequence[str]) -> tuple[list[Hour], list[int]] | None:
        """Parses headers that consist of two parts.

        Args:
            starts: The first part of each header.
            endings: The second part of each header.

        Returns:
            The hour of each header, and the seconds since its beginning; None if one of them is not a header.
        """
        try:
            kinds = {ending: self._kinds[ending] for ending in set(endings)}
            if len(set(map(id, kinds.values()))) == 1:
                hours = list(map(kinds[endings[0]].__getitem__, starts))
            else:
                hours = [kinds[ending][start] for start, ending in zip(starts, endings, strict=True)]
        except KeyError:
            return None
        return hours, list(map(self._kinds.seconds.__getitem__, endings))

    def hour_of(self, header: Header) -> Hour:
        """Returns the hour of a header; headers of the same hour have the same one."""
        key = (header.format, header.date, header.time[0], header.us_format)
        hour = self._hours.get(key)
        if hour is None:
            if len(self._hours) > _MAX_CACHED:
                self._hours.clear()
            hour = self._hours[key] = Hour(*key)
        return hour


class _Hours(dict[str, Hour]):
    """The hours of headers with one kind of ending, by the first part of a header.

    Args:
        parser: Makes the hours.
        ending: An ending of this kind.
    """

    def __init__(self, parser: HeaderParser, ending: str) -> None:
        self._parser = parser
        self._ending = ending

    def __missing__(self, start: str) -> Hour:
        header = parse_header(start + self._ending)
        if header is None or header.body or not start[-1:].isdecimal():
            raise KeyError(start)
        if len(self) > _MAX_CACHED:
            self.clear()
        hour = self[start] = self._parser.hour_of(header)
        return hour


class _Kinds(dict[str, _Hours]):
    """For each ending of a header, the hours of headers with endings of its kind.

    Args:
        parser: Makes the hours.

    Attributes:
        seconds: The seconds since the hour, by ending.
    """

    def __init__(self, parser: HeaderParser) -> None:
        self._parser = parser
        self.seconds: dict[str, int] = {}
        self._hours: dict[str, _Hours] = {}

    def __missing__(self, ending: str) -> _Hours:
        header = parse_header(f"{'[' if ']' in ending else ''}1/1/20, 10{ending}")
        if header is None or header.body or header.date != (1, 1, 20):
            raise KeyError(ending)
        if len(self) > _MAX_CACHED:
            self.clear()
            self.seconds.clear()
            self._hours.clear()
        self.seconds[ending] = _seconds(header)
        kind = _DIGIT.sub("", ending)
        hours = self[ending] = self._hours.setdefault(kind, _Hours(self._parser, ending))
        return hours


def _seconds(header: Header) -> int:
    """Returns the seconds since the hour of a header."""
    minute, second = header.time[1:]
    return minute * 60 + min(second, 59)  # 60 is a leap second
