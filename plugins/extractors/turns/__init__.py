"""Bundled plugin: makes dialogs of the turns that a client and the server take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autocakechat import ExtractorType, hookimpl
from autocakechat.plugins.extractors.turns.options import TurnsOptions

if TYPE_CHECKING:
    from autocakechat import Chat, Dialog, RunContext


def _extract(options: TurnsOptions, chat: Chat, run: RunContext) -> Iterable[Dialog]:
    from autocakechat.plugins.extractors.turns.turn_extraction import extract

    return extract(options, chat, run)


@hookimpl
def acc_extractors() -> Iterator[ExtractorType]:
    """Yields the extractor `turns`."""
    yield ExtractorType(
        name="turns",
        summary="dialogs of turns, answers by one person only",
        config=TurnsOptions,
        extract=_extract,
    )
