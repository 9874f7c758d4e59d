"""The options of the source `csv`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from autocakechat import option
from autocakechat.plugins.sources.jsonl.options import JsonlOptions

COLUMNS = ("chat", "id", "sender", "name", "time", "text", "reply_to", "own_words", "kind", "title", "label")


def _check_columns(_: Any, __: attrs.Attribute[Any], columns: dict[str, str]) -> None:
    if unknown := sorted(columns.keys() - set(COLUMNS)):
        raise ValueError(f"{', '.join(unknown)}: not one of {', '.join(COLUMNS)}")


def _check_delimiter(_: Any, __: attrs.Attribute[Any], delimiter: str) -> None:
    if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
        raise ValueError("must be one character, such as ';' or a tab")


@attrs.frozen(kw_only=True)
class CsvOptions(JsonlOptions):
    """Options of `[[source]]` with `use = "csv"`."""

    path: Path = option(
        affects_key=False, help="A .csv or .tsv file with one message a row, also as .gz or .zst, or a folder of them."
    )
    columns: dict[str, str] = option(
        factory=dict,
        check=_check_columns,
        help='The names of columns that have other names in the file, such as { sender = "Author" }.',
    )
    delimiter: str = option(
        default="", check=_check_delimiter, help="The character between two cells; empty to detect it."
    )
