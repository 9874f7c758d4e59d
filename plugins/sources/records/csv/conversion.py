"""Converts the rows of a table to lines of JSON, which the reader of `jsonl` reads."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import msgspec

from autocakechat import RunContext
from autocakechat.plugins.sources.records.chat_index import MAX_LINE
from autocakechat.plugins.sources.records.csv.table import Layout, decode_head, detect_layout, is_utf16
from autocakechat.plugins.sources.records.files import DAMAGE, open_log, read_head
from autocakechat.plugins.sources.records.reader import OpenLines

_FALSE = frozenset(("false", "0", "no", "n", "f"))


def row_converter(columns: Mapping[str, str], delimiter: str) -> OpenLines:
    """Returns a function that opens a table as lines of JSON, in an unnamed temporary file.

    Args:
        columns: The names of columns that have other names in the file.
        delimiter: The character between two cells; empty to detect it.
    """

    def open_rows(path: Path, name: str, run: RunContext) -> BinaryIO:
        with open_log(path) as file:
            head = read_head(file)
        layout = detect_layout(decode_head(head), columns, delimiter)
        with ExitStack() as stack, open_log(path, copy_to=run.state) as file:
            lines = stack.enter_context(tempfile.TemporaryFile(dir=run.state))
            text = io.TextIOWrapper(file, "utf-16" if is_utf16(head) else "utf-8-sig", errors="replace", newline="")
            try:
                lines.writelines(_encoded_rows(text, layout, PurePath(name).stem))
            except DAMAGE as error:
                run.log.warning("%s: the file is damaged or truncated (%s); everything before is used", name, error)
            lines.seek(0)
            stack.pop_all()  # the reader closes it
            return lines

    return open_rows


def _encoded_rows(text: io.TextIOWrapper, layout: Layout, chat: str) -> Iterator[bytes]:
    """Yields the rows as lines of JSON. A row that cannot be read becomes a line that is not a message.

    Args:
        text: The table.
        layout: Its layout.
        chat: The chat of a table without a column for it.
    """
    csv.field_size_limit(MAX_LINE)
    encode = msgspec.json.Encoder().encode
    lines = iter(partial(text.readline, MAX_LINE), "")  # a very long line in parts, so that it fits into memory
    rows = csv.reader(lines, delimiter=layout.delimiter)
    next(rows, None)  # the header
    columns = list(layout.indices.items())
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            yield b"a row that cannot be read\n"
            continue
        if row is None:
            return
        if row:
            yield encode(_record(row, columns, chat)) + b"\n"


def _record(row: list[str], columns: list[tuple[str, int]], chat: str) -> dict[str, Any]:
    """Makes a record of the cells of a row; an empty cell counts as missing, except that of a text."""
    width = len(row)
    record: dict[str, Any] = {name: row[index] for name, index in columns if index < width and row[index]}
    record.setdefault("chat", chat)
    record.setdefault("sender", None)
    record.setdefault("text", "")
    if "own_words" in record:
        record["own_words"] = record["own_words"].strip().casefold() not in _FALSE
    return record
