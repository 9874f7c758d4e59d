"""Bundled plugin: reads the neutral format, JSON Lines with one message a line, and corpora in CakeChat's format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autocakechat import Input, SourceType, hookimpl
from autocakechat.plugins.sources.jsonl.options import JsonlOptions

if TYPE_CHECKING:
    from autocakechat import Chat, RunContext


def _inputs(options: JsonlOptions) -> Sequence[Input]:
    from autocakechat.plugins.sources.jsonl.files import find_input
    from autocakechat.plugins.sources.jsonl.line_format import LINES

    return [find_input(options.path, LINES)]


def _read(options: JsonlOptions, input: Input, run: RunContext) -> Iterable[Chat]:
    from autocakechat import select_chats
    from autocakechat.plugins.sources.jsonl.reader import read_files

    return select_chats(read_files(options.zone, input, run), options.include, options.exclude)


def _recognises(path: Path) -> bool:
    from autocakechat.plugins.sources.jsonl.files import recognises
    from autocakechat.plugins.sources.jsonl.line_format import LINES

    return recognises(path, LINES)


@hookimpl
def acc_sources() -> Iterator[SourceType]:
    """Yields the source `jsonl`."""
    yield SourceType(
        name="jsonl",
        summary="JSON Lines with one message a line, and corpora of `acc corpus export`",
        config=JsonlOptions,
        inputs=_inputs,
        read=_read,
        recognises=_recognises,
    )
