"""Detects the format of an export: how its headers are written, and which number of a date is the day."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

import attrs

from autocakechat_whatsapp.header import Header, HeaderFormat, clean_name, parse_header, split_name

_Date = tuple[int, int, int]  # year, month, day

_DATE_ORDERS: dict[str, Callable[[int, int, int], _Date]] = {
    "day, month, year": lambda day, month, year: (year, month, day),
    "month, day, year": lambda month, day, year: (year, month, day),
    "year, month, day": lambda year, month, day: (year, month, day),
}
_FIRST_YEAR, _LAST_YEAR = 2009, 2099  # WhatsApp exists since 2009
_BUDDHIST_OFFSET = 543  # years of the Thai solar calendar count from 543 BC; its days and months are Gregorian
_MAX_NAMES = 50_000
_QUOTE = re.compile('["“”„«»「『‘]')


class _Score(NamedTuple):
    """How badly a date order fits the headers of one format; scores are compared in the order of their fields.

    Attributes:
        impossible: Number of dates with an impossible year, month or day.
        backwards: Number of dates that are earlier than the one before.
    """

    impossible: int
    backwards: int


@attrs.frozen
class ExportFormat:
    """The format of an export.

    Attributes:
        header_format: How its headers are written. A line with another header format is pasted text.
        date_order: Which number of a date is which.
        message_counts: Number of messages by sender name.
    """

    header_format: HeaderFormat
    date_order: str
    message_counts: Counter[str]

    def is_header(self, header: Header) -> bool:
        """Returns whether a header of this export begins a message."""
        return header.format == self.header_format and _is_possible(_DATE_ORDERS[self.date_order](*header.date))

    def is_person(self, name: str) -> bool:
        """Returns whether a name belongs to a person.

        System messages can look like a name and a text, such as `Ann named the group "Tip: me"`. Such a name contains
        a quotation mark and occurs once.
        """
        return self.message_counts[name] > 1 or not _QUOTE.search(name)

    def unix_time(self, header: Header, zone: ZoneInfo) -> int | None:
        """Returns when a message was sent, in seconds since 1970; None if the date does not exist."""
        year, month, day = _DATE_ORDERS[self.date_order](*header.date)
        hour, minute, second = header.time
        try:
            moment = datetime(_full_year(year), month, day, hour, minute, min(second, 59), tzinfo=zone)
        except ValueError:
            return None
        return int(moment.timestamp())


def detect_format(lines: Iterable[str]) -> ExportFormat | None:
    """Detects the format of an export.

    The header format is the most frequent one. The date order is the one with the fewest impossible dates and then the
    fewest steps backwards in time; if several fit equally, the usual one for the header format.

    Args:
        lines: All lines of the export.

    Returns:
        The format; None if no line is a header.
    """
    header_counts: Counter[HeaderFormat] = Counter()
    us_format_count = 0
    message_counts: Counter[str] = Counter()
    scorers = {order: _DateOrderScorer(order) for order in _DATE_ORDERS}
    headers = (header for header in map(parse_header, lines) if header)
    # All headers of a day have the same date, so only the first one is scored.
    for (header_format, date), same_day in groupby(headers, key=lambda header: (header.format, header.date)):
        for header in same_day:
            header_counts[header_format] += 1
            us_format_count += header.us_format
            name_and_text = split_name(header.body)
            if name_and_text and len(message_counts) < _MAX_NAMES:
                message_counts[clean_name(name_and_text[0])] += 1
        for scorer in scorers.values():
            scorer.add(header_format, date)
    if not header_counts:
        return None
    header_format, header_count = header_counts.most_common(1)[0]
    usual_order = "month, day, year" if us_format_count * 2 > header_count else "day, month, year"
    date_order = min(scorers, key=lambda order: (scorers[order].score(header_format), order != usual_order))
    return ExportFormat(header_format, date_order, message_counts)


class _DateOrderScorer:
    """Scores one date order against all dates, separately for each header format."""

    def __init__(self, order: str) -> None:
        self._to_date = _DATE_ORDERS[order]
        self._scores: dict[HeaderFormat, _Score] = {}
        self._previous: dict[HeaderFormat, _Date] = {}

    def add(self, header_format: HeaderFormat, numbers: tuple[int, int, int]) -> None:
        """Adds the three numbers of a date."""
        date = self._to_date(*numbers)
        impossible, backwards = self._scores.get(header_format, (0, 0))
        if not _is_possible(date):
            self._scores[header_format] = _Score(impossible + 1, backwards)
            return
        is_backwards = date < self._previous.get(header_format, date)
        self._scores[header_format] = _Score(impossible, backwards + is_backwards)
        self._previous[header_format] = date

    def score(self, header_format: HeaderFormat) -> _Score:
        """Returns the score for the headers of a format."""
        return self._scores[header_format]


def _is_possible(date: _Date) -> bool:
    """Returns whether each number of a date is in its range. The length of the month is not checked."""
    year, month, day = date
    return _FIRST_YEAR <= _full_year(year) <= _LAST_YEAR and 1 <= month <= 12 and 1 <= day <= 31


def _full_year(year: int) -> int:
    """Returns the Gregorian year of four digits."""
    if year < 100:
        return 2000 + year
    is_buddhist = _FIRST_YEAR + _BUDDHIST_OFFSET <= year <= _LAST_YEAR + _BUDDHIST_OFFSET
    return year - _BUDDHIST_OFFSET if is_buddhist else year
