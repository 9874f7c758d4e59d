"""Parses the header of a message (date, time and name), as phones of all languages and regions write it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

DIRECTION_MARKS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff"  # invisible
_GAP = rf"[\s{DIRECTION_MARKS}]*+"
_HEADER = re.compile(
    rf"""
    {_GAP} (?P<bracket>\[)? {_GAP}
    (?P<first>\d{{1,4}}) {_GAP} (?P<separator>[-./‐‑–年년]) {_GAP}
    (?P<second>\d{{1,2}}) {_GAP} [-./‐‑–月월] {_GAP}
    (?P<third>\d{{1,4}})
    (?P<before>[^\d:\[\]]{{1,20}})
    (?P<hour>\d{{1,2}}) (?:[:.]|\s?h\s?) (?P<minute>\d{{2}}) (?:[:.](?P<seconds>\d{{2}}))?
    (?P<after>[^\d:\[\]]{{0,16}}?)
    (?(bracket) \] | (?:\s[-–—]|:) )
    (?:\s|$)
    (?P<body>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"(?P<name>[^:\n]{1,200}?):(?:[^\S\n]|(?=\n|$))(?P<text>.*)", re.DOTALL)
_INVISIBLE = re.compile(f"[{DIRECTION_MARKS}]")

# Day periods in lower case, without blanks and full stops.
_MORNING = {
    "am", "a",  # English, Spanish
    "上午", "凌晨", "清晨", "早上",  # Chinese
    "오전",  # Korean
    "午前",  # Japanese
    "πμ",  # Greek
    "ص",  # Arabic
    "قظ",  # Persian
    "öö",  # Turkish
    "sa",  # Vietnamese
    "pg",  # Malay
    "de",  # Hungarian
    "dop",  # Czech
    "पूर्वाह्न",  # Hindi
    "পূর্বাহ্ণ",  # Bengali
    "fm",  # Swedish
    "vm",  # Afrikaans
    "дп",  # Ukrainian
    "проб",  # Bulgarian
    "paradite", "eparadites",  # Albanian
    "ap",  # Finnish
    "ก่อนเที่ยง",  # Thai
    "ipm",  # of an unknown language
}  # fmt: skip
_AFTERNOON = {
    "pm", "p",  # English, Spanish
    "下午", "中午", "晚上",  # Chinese
    "오후",  # Korean
    "午後",  # Japanese
    "μμ",  # Greek
    "م",  # Arabic
    "بظ",  # Persian
    "ös",  # Turkish
    "ch",  # Vietnamese
    "ptg",  # Malay
    "du",  # Hungarian
    "odp",  # Czech
    "अपराह्न",  # Hindi
    "অপরাহ্ণ",  # Bengali
    "em",  # Swedish
    "nm",  # Afrikaans
    "пп",  # Ukrainian
    "слоб",  # Bulgarian
    "pasdite", "epasdites",  # Albanian
    "ip",  # Finnish
    "หลังเที่ยง",  # Thai
}  # fmt: skip


class HeaderFormat(NamedTuple):
    """How a header is written. All headers of an export have the same format; headers in pasted text usually differ.

    Attributes:
        bracket: Whether date and time are in square brackets.
        separator: The character after the first number of the date.
        year_first: Whether the date begins with a year of three or four digits.
        long_year: Whether the year has more than two digits.
        seconds: Whether the time has seconds.
    """

    bracket: bool
    separator: str
    year_first: bool
    long_year: bool
    seconds: bool


class Header(NamedTuple):
    """The beginning of a message.

    Attributes:
        format: How it is written.
        date: The three numbers of the date, in the order of the file.
        time: Hour (0 to 23), minute, second.
        us_format: Whether it has the format of the USA: 1/5/24 without zeros, and AM or PM in capitals.
        body: The rest of the line.
    """

    format: HeaderFormat
    date: tuple[int, int, int]
    time: tuple[int, int, int]
    us_format: bool
    body: str


def parse_header(line: str) -> Header | None:
    """Parses the header at the beginning of a line.

    Args:
        line: A line of the file. Digits may be of any script.

    Returns:
        The header; None if the line does not begin with one.
    """
    match = _HEADER.match(line)
    if match is None:
        return None
    first, third = match["first"], match["third"]
    header_format = HeaderFormat(
        bracket=match["bracket"] is not None,
        separator=match["separator"],
        year_first=len(first) > 2,
        long_year=len(first) > 2 or len(third) > 2,
        seconds=match["seconds"] is not None,
    )
    time = (
        _hour_of_24(int(match["hour"]), match["before"], match["after"]),
        int(match["minute"]),
        int(match["seconds"] or 0),
    )
    hour, minute, second = time
    if hour > 23 or minute > 59 or second > 60:  # 60 is a leap second
        return None
    is_padded = first.startswith("0") or match["second"].startswith("0")
    us_format = match["separator"] == "/" and not is_padded and match["after"].strip() in ("AM", "PM")
    return Header(header_format, (int(first), int(match["second"]), int(third)), time, us_format, match["body"])


def split_name(body: str) -> tuple[str, str] | None:
    """Splits the body of a header into name and text; returns None if there is no name."""
    match = _NAME.match(body)
    return (match["name"], match["text"]) if match else None


def _hour_of_24(hour: int, before: str, after: str) -> int:
    """Converts an hour to the 24-hour clock.

    Args:
        hour: The hour.
        before: The words before the time: a day period such as AM, or others.
        after: The words after the time: a day period, or others such as "o'clock".
    """
    if not 1 <= hour <= 12:
        return hour
    offset = _day_period_offset(before)
    if offset is None:
        offset = _day_period_offset(after)
    return hour if offset is None else hour % 12 + offset


@lru_cache(maxsize=1000)
def _day_period_offset(words: str) -> int | None:
    """Returns 0 for words such as AM, 12 for words such as PM, None for others."""
    letters = re.sub(r"[^\w\u0900-\u0dff\u0e00-\u0e7f]|_", "", _INVISIBLE.sub("", words)).casefold()
    for character in "日일":  # "day", the end of the date
        letters = letters.removeprefix(character)
    if letters in _MORNING:
        return 0
    return 12 if letters in _AFTERNOON else None


@lru_cache(maxsize=10_000)
def clean_name(name: str) -> str:
    """Removes invisible marks, and the tilde before names that are not in the address book."""
    name = " ".join(_INVISIBLE.sub("", name).split())
    return name.removeprefix("~").strip() or name


@lru_cache(maxsize=10_000)
def sender_id(name: str) -> str:
    """Returns the id of a person: a phone number without spaces and dashes, or the name."""
    number = re.sub(r"[\s\-‐‑–().]", "", name)
    return number if re.fullmatch(r"\+\d{5,20}", number) else name
