"""Converts the rows of a table to lines of JSON, which the reader of `jsonl` reads."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, islice, repeat, zip_longest
from pathlib import Path, PurePath
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from autocakechat import RunContext
from autocakechat.plugins.sources.records.chat_index import MAX_LINE, ParseTime
from autocakechat.plugins.sources.records.csv.table import Layout, decode_head, detect_layout, is_utf16
from autocakechat.plugins.sources.records.files import damage_warning, open_log, read_head
from autocakechat.plugins.sources.records.reader import OpenLines
from autocakechat.plugins.sources.records.records import InvalidRecordError, parse_aware_times, time_parser

_FALSE = frozenset(("false", "0", "no", "n", "f"))
_ROWS = 512  # that are converted at once
_CHUNK = 1 << 16  # characters that are read at once


def row_converter(columns: Mapping[str, str], delimiter: str, zone: ZoneInfo) -> OpenLines:
    """Returns a function that opens a table as lines of JSON, in an unnamed temporary file.

    Args:
        columns: The names of columns that have other names in the file.
        delimiter: The character between two cells; empty to detect it.
        zone: The time zone of times that have none.
    """

    def open_rows(path: Path, name: str, run: RunContext) -> BinaryIO:
        with open_log(path) as file:
            head = read_head(file)
        layout = detect_layout(decode_head(head), columns, delimiter)
        encode = _RowEncoder(layout, PurePath(name).stem, time_parser(zone)).encode
        with ExitStack() as stack, open_log(path, run.state, damage_warning(run, name)) as file:
            lines = stack.enter_context(tempfile.TemporaryFile(dir=run.state))
            text = io.TextIOWrapper(file, "utf-16" if is_utf16(head) else "utf-8-sig", errors="replace", newline="")
            lines.writelines(map(encode, _rows(text, layout.delimiter)))
            lines.seek(0)
            stack.pop_all()  # the reader closes it
            return lines

    return open_rows


def _rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[list[list[str]]]:
    """Yields the rows below the header, many at once. A row that cannot be read has one cell."""
    csv.field_size_limit(MAX_LINE)
    reader = csv.reader(chain.from_iterable(_pieces(text)), delimiter=delimiter)
    next(reader, None)  # the header
    while True:
        rows: list[list[str]] = []
        try:
            rows.extend(islice(reader, _ROWS))
        except csv.Error:
            rows.append(["a row that cannot be read"])
        if not rows:
            return
        yield [row for row in rows if row]


def _pieces(text: io.TextIOWrapper) -> Iterator[Iterable[str]]:
    """Yields the lines of a text, many at once; a very long line in parts, so that it fits into memory."""
    buffer = ""
    while more := text.read(max(_CHUNK, len(buffer))):
        buffer += more
        end = buffer.rfind("\n") + 1 or (len(buffer) if len(buffer) >= MAX_LINE else 0)
        yield io.StringIO(buffer[:end], newline="")
        buffer = buffer[end:]
    if buffer:
        yield [buffer]


class _RowEncoder:
    """Encodes rows as lines of JSON, column by column.

    Args:
        layout: The layout of the table.
        chat: The chat of a table without a column for it.
        parse_time: Parses a time.
    """

    def __init__(self, layout: Layout, chat: str, parse_time: ParseTime) -> None:
        self._width = len(layout.header)
        self._columns = [(name, index) for name, index in layout.indices.items() if name != "chat"]
        self._chat_index = layout.indices.get("chat")
        self._chat = chat
        self._parse_time = parse_time
        self._record = msgspec.defstruct("Row", [("chat", str), *((name, object) for name, _ in self._columns)])
        self._encode_lines = msgspec.json.Encoder().encode_lines

    def encode(self, rows: Sequence[list[str]]) -> bytes:
        """Returns a line for each row. A row with too few cells ends with empty ones."""
        if not rows:
            return b""
        try:
            columns = list(zip(*rows, strict=True))
        except ValueError:
            columns = list(zip_longest(*rows, fillvalue=""))
        columns.extend(repeat(("",) * len(rows), self._width - len(columns)))
        chats = repeat(self._chat) if self._chat_index is None else self._chats(columns[self._chat_index])
        cells = (self._convert(name, columns[index]) for name, index in self._columns)
        return self._encode_lines(list(map(self._record, chats, *cells)))

    def _chats(self, column: Sequence[str]) -> Iterable[str]:
        return column if all(column) else [cell or self._chat for cell in column]

    def _convert(self, name: str, column: Sequence[str]) -> Iterable[Any]:
        """Converts a column; an empty cell counts as missing, except that of a text."""
        if name == "time":
            return parse_aware_times(column) or map(self._seconds, column)
        if name in ("text", "topic"):
            return column
        if name in ("id", "reply_to") and _are_numbers(column):
            return map(int, column)
        if name == "kind":
            return [cell or "text" for cell in column]
        if name == "own_words":
            return [cell.strip().casefold() not in _FALSE for cell in column]
        return column if all(column) else [cell or None for cell in column]

    def _seconds(self, cell: str) -> str | int:
        """Returns a time in seconds; one that is not a time as it is, for the reader to report."""
        try:
            return self._parse_time(cell)
        except InvalidRecordError:
            return cell


def _are_numbers(column: Sequence[str]) -> bool:
    """Returns whether all cells are integers of at most 18 digits."""
    digits = "".join(column)
    return digits.isascii() and digits.isdecimal() and all(column) and max(map(len, column)) < 19
