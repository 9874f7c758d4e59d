"""Bundled plugin: builds dialogs from the turns of clients and the server."""

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
        version=2,
        summary="dialogs of alternating turns that end with a reply of the server",
        config=TurnsOptions,
        extract=_extract,
    )
