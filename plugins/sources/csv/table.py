"""Recognises a table: its delimiter and its columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import partial
from itertools import islice

import attrs

from autocakechat.plugins.sources.csv.options import COLUMNS
from autocakechat.plugins.sources.jsonl.files import FileFormat

_REQUIRED = ("sender", "time", "text")
_DELIMITERS = (",", ";", "\t", "|")
_MAX_NAMED = 12


@attrs.frozen
class Layout:
    """How a table is written.

    Attributes:
        delimiter: The character between two cells.
        indices: The index of each known column, by the name that autocakechat has for it.
        header: The names in the file.
    """

    delimiter: str
    indices: Mapping[str, int]
    header: tuple[str, ...]

    def problem(self, columns: Mapping[str, str]) -> str:
        """Returns which column is missing; empty if there is none.

        Args:
            columns: The names that the user gives.
        """
        wanted = [*columns, *(name for name in _REQUIRED if name not in columns)]
        missing = [columns.get(name, name) for name in wanted if name not in self.indices]
        if not missing:
            return ""
        there = ", ".join(map(repr, islice(self.header, _MAX_NAMED)))
        return f"the table has no column {missing[0]!r}; its columns are {there}"


def detect_layout(head: str, columns: Mapping[str, str], delimiter: str) -> Layout:
    """Finds the columns of a table by the names in its first row.

    Args:
        head: The beginning of the file.
        columns: The names of columns that have other names in the file.
        delimiter: The character between two cells; empty to detect it.
    """
    names = {columns.get(name, name).casefold(): name for name in COLUMNS}
    layouts = []
    for candidate in [delimiter] if delimiter else _DELIMITERS:
        header = next(csv.reader(head.splitlines()[:1], delimiter=candidate), [])
        cells = [cell.strip().casefold() for cell in header]
        indices = {names[cell]: index for index, cell in enumerate(cells) if cell in names}
        layouts.append(Layout(candidate, indices, tuple(header)))
    return max(layouts, key=lambda layout: (len(layout.indices), len(layout.header)))


def table_format(columns: Mapping[str, str], delimiter: str) -> FileFormat:
    """Returns the format of tables with given columns.

    Args:
        columns: The names of columns that have other names in the file.
        delimiter: The character between two cells; empty to detect it.
    """
    return FileFormat(
        (".csv", ".tsv"),
        partial(_problem, columns, delimiter),
        'name the columns in [[source]], such as columns = { sender = "Author", time = "Date", text = "Content" }',
    )


def decode_head(head: bytes) -> str:
    """Decodes the beginning of a file."""
    return head.decode("utf-16" if is_utf16(head) else "utf-8-sig", "replace")


def is_utf16(head: bytes) -> bool:
    """Returns whether a file begins with the mark of UTF-16."""
    return head[:2] in (b"\xff\xfe", b"\xfe\xff")


def _problem(columns: Mapping[str, str], delimiter: str, _: str, head: bytes) -> str:
    text = decode_head(head)
    if "\x00" in text or text.lstrip()[:1] in ("{", "[", "<"):
        return "not a table"
    return detect_layout(text, columns, delimiter).problem(columns)
