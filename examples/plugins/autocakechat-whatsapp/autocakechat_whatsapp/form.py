"""Looks once over a whole export to learn its form: how its headers are written, and which number is the day."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

import attrs

from autocakechat_whatsapp.header import Header, Shape, clean_name, parse_header, split_name

_ORDERS: dict[str, Callable[[int, int, int], tuple[int, int, int]]] = {
    "day, month, year": lambda day, month, year: (year, month, day),
    "month, day, year": lambda month, day, year: (year, month, day),
    "year, month, day": lambda year, month, day: (year, month, day),
}
_FIRST_YEAR, _LAST_YEAR = 2009, 2099  # WhatsApp began in 2009
_BUDDHIST = 543
_MOST_NAMES = 50_000
_QUOTE = re.compile('["“”„«»「『‘]')


class _Tried(NamedTuple):
    """How well an order of the date fits."""

    impossible: int
    backwards: int


@attrs.frozen
class Form:
    """The form of an export.

    Attributes:
        shape: How its headers are written; what looks otherwise is text that somebody pasted.
        order: Which number of a date is which.
        people: How many messages everybody sent.
    """

    shape: Shape
    order: str
    people: Counter[str]

    def is_header(self, header: Header) -> bool:
        """Tells whether a message begins here."""
        return header.shape == self.shape and _is_possible(_ORDERS[self.order](*header.date))

    def is_person(self, name: str) -> bool:
        """Tells people from sentences of WhatsApp's with a colon in them, such as `Ann named the group "Tip: me`."""
        return self.people[name] > 1 or not _QUOTE.search(name)

    def seconds(self, header: Header, zone: ZoneInfo) -> int | None:
        """Returns when a message was sent, in seconds since 1970; None for a day that is in no calendar."""
        year, month, day = _ORDERS[self.order](*header.date)
        hour, minute, second = header.time
        try:
            moment = datetime(_full_year(year), month, day, hour, minute, min(second, 59), tzinfo=zone)
        except ValueError:
            return None
        return int(moment.timestamp())


def learn_form(lines: Iterable[str]) -> Form | None:
    """Learns the form of an export of all of its lines.

    The shape is that of most headers. The order of dates is the one in which all dates are possible and time goes
    backwards least often; where both orders fit, the one usual with such headers.

    Returns:
        The form; None if no line is a header.
    """
    shapes: Counter[Shape] = Counter()
    american = 0
    people: Counter[str] = Counter()
    tried = {order: _Trial(order) for order in _ORDERS}
    headers = (header for header in map(parse_header, lines) if header)
    # Of one day all messages fit equally well: only its first is tried.
    for (shape, date), same_day in groupby(headers, key=lambda header: (header.shape, header.date)):
        for header in same_day:
            shapes[shape] += 1
            american += header.american
            named = split_name(header.body)
            if named and len(people) < _MOST_NAMES:
                people[clean_name(named[0])] += 1
        for trial in tried.values():
            trial.see(shape, date)
    if not shapes:
        return None
    (shape, number), *_ = shapes.most_common(1)
    usual = "month, day, year" if american * 2 > number else "day, month, year"
    order = min(tried, key=lambda order: (tried[order].of(shape), order != usual))
    return Form(shape, order, people)


class _Trial:
    """Tries one order of dates on all headers, those of each shape by themselves."""

    def __init__(self, order: str) -> None:
        self._date = _ORDERS[order]
        self._tried: dict[Shape, _Tried] = {}
        self._last: dict[Shape, tuple[int, int, int]] = {}

    def see(self, shape: Shape, numbers: tuple[int, int, int]) -> None:
        date = self._date(*numbers)
        impossible, backwards = self._tried.get(shape, (0, 0))
        if not _is_possible(date):
            self._tried[shape] = _Tried(impossible + 1, backwards)
            return
        self._tried[shape] = _Tried(impossible, backwards + (date < self._last.get(shape, date)))
        self._last[shape] = date

    def of(self, shape: Shape) -> _Tried:
        return self._tried[shape]


def _is_possible(date: tuple[int, int, int]) -> bool:
    year, month, day = date
    return _FIRST_YEAR <= _full_year(year) <= _LAST_YEAR and 1 <= month <= 12 and 1 <= day <= 31


def _full_year(year: int) -> int:
    if year < 100:
        return 2000 + year
    return year - _BUDDHIST if _FIRST_YEAR + _BUDDHIST <= year <= _LAST_YEAR + _BUDDHIST else year
