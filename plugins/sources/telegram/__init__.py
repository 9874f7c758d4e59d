"""Bundled plugin: reads the JSON exports of Telegram Desktop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autocakechat import Input, SourceType, hookimpl
from autocakechat.plugins.sources.telegram.options import TelegramOptions

if TYPE_CHECKING:
    from autocakechat import Chat, RunContext


def _inputs(options: TelegramOptions) -> Sequence[Input]:
    from autocakechat.plugins.sources.telegram.discovery import find_inputs, join_inputs

    inputs = find_inputs(options.path)
    # Only a reader of the whole log knows whether an entry of these options fits something.
    return [join_inputs(options.path, inputs)] if options.include or options.exclude else inputs


def _read(options: TelegramOptions, input: Input, run: RunContext) -> Iterable[Chat]:
    from autocakechat import select_chats
    from autocakechat.plugins.sources.telegram.reader import read_chats

    return select_chats(read_chats(options, input, run), options.include, options.exclude)


def _recognises(path: Path) -> bool:
    from autocakechat.plugins.sources.telegram.discovery import recognises

    return recognises(path)


@hookimpl
def acc_sources() -> Iterator[SourceType]:
    """Yields the source `telegram`."""
    yield SourceType(
        name="telegram",
        version=2,
        summary="Telegram Desktop exports (machine-readable JSON)",
        config=TelegramOptions,
        inputs=_inputs,
        read=_read,
        recognises=_recognises,
    )
