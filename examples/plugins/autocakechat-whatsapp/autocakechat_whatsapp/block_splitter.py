"""Splits blocks of lines at the headers of messages, many at once."""

from __future__ import annotations

import io
import re
from functools import partial
from typing import NamedTuple

from autocakechat_whatsapp.header import parse_header
from autocakechat_whatsapp.header_parser import HeaderParser, Hour

MAX_LINE = 1 << 16  # characters; longer lines are read in parts
_LONGEST_HEADER = 300  # characters, with the name
# Headers as most phones write them, with a colon between hour and minute or with others. The groups are what precedes
# the end of the hour, what follows it, and the name. The line break at the beginning makes the search quick.
_HEADERS = tuple(
    re.compile(
        rf"\n([^\w\n]{{0,4}}\d{start})"
        rf"({separator}\d\d(?: - |(?:[:.]\d\d)?[^\d:\[\]\n]{{0,16}}?(?: [-–—]|\]|:) ))"
        r"([^:\n]{1,200}+:[^\S\n])?"
    )
    for start, separator in ((r"[^\n:]{5,40}+", ":"), (r"[^\n:]{5,40}?", r"(?:\.|\s?h\s?)"))
)
_NAME = re.compile(r"[^:\n]{1,200}:[^\S\n]")


class SplitBlock(NamedTuple):
    """The messages of a block, by column. The last one may continue in the next block.

    Attributes:
        line_breaks: The number of line breaks.
        before: What precedes the first header: further lines of the message before it, each after a line break.
        starts: The header of each message up to the hour.
        endings: The rest of the header.
        hours: The hour of each message.
        seconds: Seconds since its beginning.
        names: The name with a colon and a blank, if there is one in the usual form.
        texts: The rest of the message.
    """

    line_breaks: int
    before: str
    starts: list[str]
    endings: list[str]
    hours: list[Hour]
    seconds: list[int]
    names: list[str | None]
    texts: list[str]

    def source(self, index: int) -> str:
        """Returns a message as it is written in the file."""
        header = f"{self.starts[index]}{self.endings[index]}{self.names[index] or ''}"
        return header + self.texts[index] if self.texts[index] else header.removesuffix("\n")


class BlockSplitter:
    """Splits the consecutive blocks of a file at all headers."""

    def __init__(self) -> None:
        self._parser = HeaderParser()
        self._patterns = list(_HEADERS)
        self._is_line_cut = False

    def split(self, block: str) -> SplitBlock:
        """Splits the next block, which ends with a whole line or within a very long one."""
        is_line_cut, self._is_line_cut = self._is_line_cut, not block.endswith("\n")
        if not is_line_cut:
            for pattern in self._patterns:
                if split := self._split_at(pattern, f"\n{block}".removesuffix("\n")):
                    if pattern is not self._patterns[0]:
                        self._patterns.reverse()
                    return split
        return self._split_lines(block, is_line_cut)

    def _split_at(self, pattern: re.Pattern[str], block: str) -> SplitBlock | None:
        """Splits a block at a pattern; returns None if it finds other headers than `parse_header`."""
        parts = pattern.split(block)
        starts, endings, names, texts = parts[1::4], parts[2::4], parts[3::4], parts[4::4]
        parsed = self._parser.parse_parts(starts, endings)
        if parsed is None or (len(block) > MAX_LINE and max(map(len, parts[::4])) > MAX_LINE - _LONGEST_HEADER):
            return None
        line_breaks = block.count("\n")
        if line_breaks > len(texts) and any(map(_contains_header, parts[::4])):
            return None
        return SplitBlock(line_breaks, parts[0], starts, endings, *parsed, names, texts)

    def _split_lines(self, block: str, is_line_cut: bool) -> SplitBlock:
        """Splits a block line by line."""
        split = SplitBlock(block.count("\n"), "", [], [], [], [], [], [])
        parts = ["" if is_line_cut else "\n"]
        for line in iter(partial(io.StringIO(block).readline, MAX_LINE), ""):
            parsed = self._parser.parse(line)
            if parsed is None:
                parts.append(line)
                continue
            split = _with_text(split, parts)
            hour, seconds, body = parsed
            name = _NAME.match(body)
            split.starts.append(line.removesuffix(body))
            split.endings.append("")
            split.hours.append(hour)
            split.seconds.append(seconds)
            split.names.append(name[0] if name else None)
            parts = [body[name.end() :] if name else body]
        return _with_text(split, parts)


def _with_text(split: SplitBlock, parts: list[str]) -> SplitBlock:
    """Adds the end of the last message, or what precedes the first one."""
    text = "".join(parts).removesuffix("\n")
    if split.starts:
        split.texts.append(text)
        return split
    return split._replace(before=text)


def _contains_header(text: str) -> bool:
    """Returns whether a header begins one of the lines of a text after the first one."""
    return "\n" in text and any(map(parse_header, text.split("\n")[1:]))
