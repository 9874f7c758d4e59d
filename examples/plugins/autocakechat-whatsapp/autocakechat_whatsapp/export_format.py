"""Detects the format of an export: how its headers are written, and which number of a date is the day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime
from itertools import groupby
from math import log1p
from operator import itemgetter
from zoneinfo import ZoneInfo

import attrs

from autocakechat_whatsapp.block_splitter import SplitBlock
from autocakechat_whatsapp.header import HeaderFormat, clean_name, split_name
from autocakechat_whatsapp.header_parser import Hour

_Date = tuple[int, int, int]  # year, month, day

_DATE_ORDERS: dict[str, Callable[[int, int, int], _Date]] = {
    "day, month, year": lambda day, month, year: (year, month, day),
    "month, day, year": lambda month, day, year: (year, month, day),
    "year, month, day": lambda year, month, day: (year, month, day),
}
_FIRST_YEAR, _LAST_YEAR = 2009, 2099  # WhatsApp exists since 2009
_BUDDHIST_OFFSET = 543  # years of the Thai solar calendar count from 543 BC; its days and months are Gregorian
_OTHER_CALENDARS = {"Persian": range(1387, 1416), "Islamic": range(1429, 1473), "Hebrew": range(5769, 5860)}
_MAX_NAMES = 50_000
_HOUR = 3600  # seconds

# The cost of a date order is about the negative logarithm of its likelihood. Most steps from one day of a chat to the
# next are short; a step backwards is rare, an impossible date rarer. A date order that is usual for the format of the
# headers is likelier than others, but the dates of a few days outweigh that.
_IMPOSSIBLE_DATE = 20.0
_STEP_BACK = 6.0
_UNUSUAL_ORDER = 1.5
_UNUSUAL_ORDER_FOR_USA = 4.0


@attrs.frozen
class ExportFormat:
    """The format of an export.

    Attributes:
        header_format: How most of its headers are written.
        date_orders: Which number of a date is which, by header format.
        message_counts: Number of messages by sender name, before system messages are recognised.
        unread_calendar: The calendar of the dates if it is one that is not read; empty otherwise.
    """

    header_format: HeaderFormat
    date_orders: dict[HeaderFormat, str]
    message_counts: Counter[str]
    unread_calendar: str

    def is_possible(self, hour: Hour) -> bool:
        """Returns whether the date of a header can be a date of WhatsApp."""
        return _is_possible(self._date(hour))

    def unix_time(self, hour: Hour, seconds: int, zone: ZoneInfo) -> int | None:
        """Returns a time in seconds since 1970; None if the date does not exist.

        Args:
            hour: The hour.
            seconds: Seconds since its beginning.
            zone: The time zone of the phone.
        """
        year, month, day = self._date(hour)
        minute, second = divmod(seconds, 60)
        try:
            moment = datetime(_full_year(year), month, day, hour.hour, minute, second, tzinfo=zone)
        except ValueError:
            return None
        return int(moment.timestamp())

    def start_of_regular_hour(self, hour: Hour, zone: ZoneInfo) -> int | None:
        """Returns the beginning of an hour in seconds since 1970.

        Returns:
            None if the format is not the main one, the date is impossible, or the clock changes during the hour.
        """
        if hour.format != self.header_format or not self.is_possible(hour):
            return None
        start, end = (self.unix_time(hour, seconds, zone) for seconds in (0, _HOUR - 1))
        return start if start is not None and end == start + _HOUR - 1 else None

    def _date(self, hour: Hour) -> _Date:
        return _DATE_ORDERS[self.date_orders[hour.format]](*hour.date)


def detect_format(blocks: Iterable[SplitBlock]) -> ExportFormat | None:
    """Detects the format of an export.

    The main header format is the most frequent one. The date order is the likeliest one for all dates of a format: no
    date is impossible, dates ascend, and the days of a conversation are close together.

    Args:
        blocks: The whole export, split at all headers.

    Returns:
        The format; None if no line is a header.
    """
    names = _NameCounter()
    dates: dict[HeaderFormat, _Dates] = {}
    previous_day: tuple[HeaderFormat, tuple[int, int, int]] | None = None
    for block in blocks:
        counts = Counter(block.hours)
        for hour, count in counts.items():
            of_format = dates.setdefault(hour.format, _Dates())
            of_format.header_count += count
            of_format.us_format_count += count * hour.us_format
        for hour in counts if list(counts.elements()) == block.hours else map(itemgetter(0), groupby(block.hours)):
            # All headers of a day have the same date, so only the first one is scored.
            if (hour.format, hour.date) != previous_day:
                previous_day = hour.format, hour.date
                dates[hour.format].add(hour.date)
        names.add(block)
    if not dates:
        return None
    main = max(dates, key=lambda header_format: dates[header_format].header_count)
    orders = {header_format: of_format.likeliest_order() for header_format, of_format in dates.items()}
    return ExportFormat(main, orders, names.message_counts, dates[main].unread_calendar())


class _NameCounter:
    """Counts messages by name.

    Attributes:
        message_counts: Number of messages by name.
    """

    def __init__(self) -> None:
        self.message_counts: Counter[str] = Counter()
        self._names: dict[str, str] = {}

    def add(self, block: SplitBlock) -> None:
        """Adds the messages of a block."""
        for name, count in Counter(block.names).items():
            if name is not None:
                self._add_messages(name[:-2], count)
        if None in block.names:
            for name, text in zip(block.names, block.texts, strict=True):
                if name is None and (name_and_text := split_name(text)):
                    self._add_messages(name_and_text[0], 1)

    def _add_messages(self, written: str, count: int) -> None:
        name = self._names.get(written)
        if name is None:
            if len(self.message_counts) >= _MAX_NAMES:
                return
            name = self._names[written] = clean_name(written)
        self.message_counts[name] += count


class _Dates:
    """The dates of one header format, scored for each date order.

    Attributes:
        header_count: Number of headers.
        us_format_count: Number of headers in the format of the USA.
    """

    def __init__(self) -> None:
        self.header_count = 0
        self.us_format_count = 0
        self._costs = dict.fromkeys(_DATE_ORDERS, 0.0)
        self._previous: dict[str, int] = {}
        self._day_count = 0
        self._impossible_counts = Counter[str]()
        self._calendar_counts = Counter[str]()

    def add(self, numbers: tuple[int, int, int]) -> None:
        """Adds the three numbers of a date."""
        self._day_count += 1
        for order, to_date in _DATE_ORDERS.items():
            day = _day_number(to_date(*numbers))
            if day is None:
                self._impossible_counts[order] += 1
                self._costs[order] += _IMPOSSIBLE_DATE
                continue
            step = day - self._previous.get(order, day)
            self._costs[order] += log1p(abs(step)) + _STEP_BACK * (step < 0)
            self._previous[order] = day
        for calendar, years in _OTHER_CALENDARS.items():
            self._calendar_counts[calendar] += numbers[0] in years or numbers[2] in years

    def likeliest_order(self) -> str:
        """Returns the date order with the least cost."""
        is_usa = self.us_format_count * 2 > self.header_count
        usual_order = "month, day, year" if is_usa else "day, month, year"
        surcharge = _UNUSUAL_ORDER_FOR_USA if is_usa else _UNUSUAL_ORDER
        return min(self._costs, key=lambda order: self._costs[order] + surcharge * (order != usual_order))

    def unread_calendar(self) -> str:
        """Returns the name of the calendar if it is one that is not read: most dates fit it, or none is possible."""
        calendar, count = self._calendar_counts.most_common(1)[0]
        if count * 2 > self._day_count:
            return calendar
        return "unknown" if min(self._impossible_counts[order] for order in _DATE_ORDERS) == self._day_count else ""


def _day_number(numbers: _Date) -> int | None:
    """Returns the number of a day; None for an impossible date. The length of the month is not checked."""
    if not _is_possible(numbers):
        return None
    year, month, day = numbers
    return date(_full_year(year), month, 1).toordinal() + day - 1


def _is_possible(numbers: _Date) -> bool:
    """Returns whether each number of a date is in its range. The length of the month is not checked."""
    year, month, day = numbers
    return _FIRST_YEAR <= _full_year(year) <= _LAST_YEAR and 1 <= month <= 12 and 1 <= day <= 31


def _full_year(year: int) -> int:
    """Returns the Gregorian year of four digits."""
    if year < 100:
        return 2000 + year
    is_buddhist = _FIRST_YEAR + _BUDDHIST_OFFSET <= year <= _LAST_YEAR + _BUDDHIST_OFFSET
    return year - _BUDDHIST_OFFSET if is_buddhist else year
