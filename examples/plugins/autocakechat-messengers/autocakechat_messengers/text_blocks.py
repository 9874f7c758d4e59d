"""Reads messages from text and HTML files: blocks that begin with a pattern, times in English, text of HTML."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

from autocakechat import LogFile, Message
from autocakechat_messengers.content import damaged, seconds
from autocakechat_messengers.files import ExportFiles

DATE = r"[A-Z][a-z]{2} \d{1,2}, \d{4}"
_CHUNK = 1 << 18  # characters
MAX_BLOCK = 1 << 24  # characters; no message is larger
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TAG = re.compile(r"<[^<>]*>")
_LINE_BREAK = re.compile(r"<br ?/?>")
_DIVISION = re.compile(r"<(/?)div\b>?")


def read_blocks(
    file: LogFile, files: ExportFiles, pattern: re.Pattern[str], advance: Callable[[int], None]
) -> Generator[str, None, None]:
    """Splits a file before each match of a pattern. Bytes that are not UTF-8 are replaced.

    Args:
        file: The file.
        files: All files of the export.
        pattern: The beginning of a block, if the group `start` matches, too.
        advance: Called with a number of characters that were read.

    Yields:
        What precedes the first block, then the blocks. A very long block is yielded in parts.
    """
    with open_text(file, files) as text:
        yield from _split(text, pattern, advance)


@contextmanager
def open_text(file: LogFile, files: ExportFiles) -> Iterator[TextIO]:
    """Opens a text file. Bytes that are not UTF-8 are replaced."""
    with files.open(file) as opened, io.TextIOWrapper(opened, "utf-8-sig", errors="replace") as text:
        yield text


def _split(text: TextIO, pattern: re.Pattern[str], advance: Callable[[int], None]) -> Iterator[str]:
    buffer, is_block = "", False
    while more := text.read(max(_CHUNK, len(buffer))):
        advance(len(more))
        buffer += more
        begin = 0
        for match in pattern.finditer(buffer):
            at = match.start()
            if match["start"] is not None and (at > 0 or not is_block):
                yield buffer[begin:at]
                begin, is_block = at, True
        buffer = buffer[begin:]
        if len(buffer) > MAX_BLOCK:
            yield buffer
            buffer, is_block = "", False
    yield buffer


def messages_of_blocks(blocks: Iterable[str], make_message: Callable[[str, int], Message]) -> Iterator[Message]:
    """Yields the message of each block; times never decrease. A damaged one has the time of the message before it.

    Args:
        blocks: The blocks of a chat.
        make_message: Makes a message of a block and its number in the chat; raises ValueError if it is damaged.
    """
    sent = 0
    for number, block in enumerate(blocks):
        try:
            message = make_message(block, number)
        except ValueError:
            message = damaged(number, sent)
        sent = message.sent = max(sent, message.sent)
        yield message


def english_time(date: str, hour: str, minute: str, second: str, half: str | None = None) -> int:
    """Returns a time in seconds since 1970, as if it were UTC.

    Args:
        date: The date, such as `Jan 02, 2024`.
        hour: The hour, from 0 to 23; with `half`, from 1 to 12.
        minute: The minute.
        second: The second.
        half: `A` before noon, `P` after noon.

    Raises:
        ValueError: It is not a time.
    """
    return seconds(start_of_hour(date, hour, half) + 60 * int(minute) + int(second))


@lru_cache(maxsize=256)
def start_of_hour(date: str, hour: str, half: str | None = None) -> int:
    """Returns the beginning of an hour; see `english_time`."""
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half == "P" else 0)
    month, day, year = date.replace(",", "").split()
    midnight = datetime(int(year), _MONTHS.index(month) + 1, int(day), tzinfo=UTC)
    return int(midnight.timestamp()) + 3600 * hours


def text_of_html(markup: str) -> str:
    """Returns the text of a piece of HTML, without its tags."""
    if "<" in markup:
        markup = _TAG.sub("", _LINE_BREAK.sub("\n", markup))
    return html.unescape(markup) if "&" in markup else markup


def contents(markup: str, start: re.Pattern[str], end: re.Pattern[str]) -> Iterator[str]:
    """Yields what is between two patterns, for each occurrence, in linear time.

    Args:
        markup: A piece of HTML.
        start: What precedes the content.
        end: What follows it.
    """
    position = 0
    while opening := start.search(markup, position):
        closing = end.search(markup, opening.end())
        if closing is None:
            return
        yield markup[opening.end() : closing.start()]
        position = closing.end()


def without_divisions(markup: str, opening: str) -> tuple[str, str]:
    """Cuts divisions out of a piece of HTML.

    Args:
        markup: The HTML.
        opening: The opening tag of the divisions, `<div ...>`.

    Returns:
        The HTML without such divisions, and the divisions. A division without an end is the rest of the HTML.
    """
    kept, cut = [], []
    position = 0
    while (start := markup.find(opening, position)) >= 0:
        end = _end_of_division(markup, start)
        kept.append(markup[position:start])
        cut.append(markup[start:end])
        position = end
    return "".join([*kept, markup[position:]]), "".join(cut)


def _end_of_division(markup: str, start: int) -> int:
    depth = 0
    for tag in _DIVISION.finditer(markup, start):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.end()
    return len(markup)
