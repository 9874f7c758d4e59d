"""Bundled plugin: reads tables with one message a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autocakechat import Input, SourceType, hookimpl
from autocakechat.plugins.sources.records.csv.options import CsvOptions

if TYPE_CHECKING:
    from autocakechat import Chat, RunContext


def _inputs(options: CsvOptions) -> Sequence[Input]:
    from autocakechat.plugins.sources.records.csv.table import table_format
    from autocakechat.plugins.sources.records.files import find_input

    return [find_input(options.path, table_format(options.columns, options.delimiter))]


def _read(options: CsvOptions, input: Input, run: RunContext) -> Iterable[Chat]:
    from autocakechat import select_chats
    from autocakechat.plugins.sources.records.csv.conversion import row_converter
    from autocakechat.plugins.sources.records.reader import read_files

    open_rows = row_converter(options.columns, options.delimiter, options.zone)
    return select_chats(read_files(options.zone, input, run, open_rows), options.include, options.exclude)


def _recognises(path: Path) -> bool:
    from autocakechat.plugins.sources.records.csv.table import table_format
    from autocakechat.plugins.sources.records.files import recognises

    return recognises(path, table_format({}, ""))


@hookimpl
def acc_sources() -> Iterator[SourceType]:
    """Yields the source `csv`."""
    yield SourceType(
        name="csv",
        summary="tables with one message a row (.csv, .tsv)",
        config=CsvOptions,
        inputs=_inputs,
        read=_read,
        recognises=_recognises,
    )
