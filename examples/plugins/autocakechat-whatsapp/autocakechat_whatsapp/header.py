"""The beginning of a message: a date, a time and a name, in the form of the phone's language and region."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

MARKS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff"  # they give directions to text and cannot be seen
_GAP = rf"[\s{MARKS}]*"
_HEADER = re.compile(
    rf"""
    {_GAP} (?P<bracket>\[)? {_GAP}
    (?P<first>\d{{1,4}}) {_GAP} (?P<separator>[-./‐‑–年년]) {_GAP}
    (?P<second>\d{{1,2}}) {_GAP} [-./‐‑–月월] {_GAP}
    (?P<third>\d{{1,4}})
    (?P<before>[^\d:\[\]]{{1,20}})
    (?P<hour>\d{{1,2}}) (?:[:.]|\s?h\s?) (?P<minute>[0-5]\d|\d{{2}}) (?:[:.](?P<seconds>\d{{2}}))?
    (?P<after>[^\d:\[\]]{{0,16}}?)
    (?(bracket) \] | (?:\s[-–—]|:) )
    (?:\s|$)
    (?P<body>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"(?P<name>[^:\n]{1,200}?):(?:[^\S\n]|(?=\n|$))(?P<text>.*)", re.DOTALL)
_INVISIBLE = re.compile(f"[{MARKS}]")

_MORNING = {
    "am", "a", "上午", "凌晨", "清晨", "早上", "오전", "午前", "πμ", "ص", "قظ", "öö", "sa", "pg", "de", "dop", "पूर्वाह्न",
    "পূর্বাহ্ণ", "fm", "vm", "дп", "проб", "paradite", "eparadites", "ap", "ก่อนเที่ยง", "ipm",
}  # fmt: skip
_AFTERNOON = {
    "pm", "p", "下午", "中午", "晚上", "오후", "午後", "μμ", "م", "بظ", "ös", "ch", "ptg", "du", "odp", "अपराह्न",
    "অপরাহ্ণ", "em", "nm", "пп", "слоб", "pasdite", "epasdites", "ip", "หลังเที่ยง",
}  # fmt: skip


class Shape(NamedTuple):
    """How a header is written. All headers of an export are written alike; a pasted one seldom is."""

    bracket: bool
    separator: str
    year_first: bool
    long_year: bool
    seconds: bool


class Header(NamedTuple):
    """The beginning of a message.

    Attributes:
        shape: How it is written.
        date: The three numbers of the date, in the order of the file.
        time: Hour (0 to 23), minute, second.
        american: Whether it looks as in the USA: 1/5/24 and AM or PM in capitals.
        body: What stands behind it.
    """

    shape: Shape
    date: tuple[int, int, int]
    time: tuple[int, int, int]
    american: bool
    body: str


def parse_header(line: str) -> Header | None:
    """Returns the beginning of a message that a line holds, or None if it holds none.

    Args:
        line: A line of the file; its digits may be of any script.
    """
    match = _HEADER.match(line)
    if match is None:
        return None
    first, third = match["first"], match["third"]
    shape = Shape(
        bracket=match["bracket"] is not None,
        separator=match["separator"],
        year_first=len(first) > 2,
        long_year=len(first) > 2 or len(third) > 2,
        seconds=match["seconds"] is not None,
    )
    time = (
        _hour(int(match["hour"]), match["before"], match["after"]),
        int(match["minute"]),
        int(match["seconds"] or 0),
    )
    if time > (23, 59, 60):
        return None
    american = match["separator"] == "/" and match["after"].strip() in ("AM", "PM")
    return Header(shape, (int(first), int(match["second"]), int(third)), time, american, match["body"])


def split_name(body: str) -> tuple[str, str] | None:
    """Splits what stands behind the date into a name and a text; None where nobody is named."""
    match = _NAME.match(body)
    return (match["name"], match["text"]) if match else None


def _hour(hour: int, before: str, after: str) -> int:
    """Returns the hour of 24; what is said beside it may be the half of the day, or just a word for "o'clock"."""
    if not 1 <= hour <= 12:
        return hour
    half = _half(before)
    if half is None:
        half = _half(after)
    return hour if half is None else hour % 12 + half


@lru_cache(maxsize=1000)
def _half(words: str) -> int | None:
    letters = re.sub(r"[^\w\u0900-\u0dff\u0e00-\u0e7f]|_", "", _INVISIBLE.sub("", words)).casefold()
    for character in "日일":
        letters = letters.removeprefix(character)
    return 0 if letters in _MORNING else 12 if letters in _AFTERNOON else None


@lru_cache(maxsize=10_000)
def clean_name(name: str) -> str:
    """Returns a name as it is shown: without invisible marks, without the tilde of people not in the address book."""
    name = " ".join(_INVISIBLE.sub("", name).split())
    return name.removeprefix("~").strip() or name


@lru_cache(maxsize=10_000)
def sender_id(name: str) -> str:
    """Returns the id of who is called so: a telephone number without blanks and dashes, or the name itself."""
    number = re.sub(r"[\s\-‐‑–().]", "", name)
    return number if re.fullmatch(r"\+\d{5,20}", number) else name
