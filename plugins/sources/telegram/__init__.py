"""Bundled plugin: reads what Telegram Desktop exports as machine-readable JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import attrs

from autocakechat import Input, SourceType, hookimpl, option

if TYPE_CHECKING:
    from autocakechat import Chat, RunContext

SkippedKind = Literal["bot_chat", "channel", "saved_messages", "replies", "verification_codes"]


@attrs.frozen(kw_only=True)
class TelegramOptions:
    """Options of `[[source]]` with `use = "telegram"`."""

    path: Path = option(default=Path("tg_data"), keyed=False, help="An export: a result.json, or a folder of exports.")
    include: list[SkippedKind] = option(
        factory=list,
        help="Chats to read that are skipped otherwise: bot_chat, channel, saved_messages, replies, "
        "verification_codes.",
    )
    sticker_emoji: bool = option(default=False, help="Whether the emoji of a sticker is read as its text.")


def _inputs(options: TelegramOptions) -> Sequence[Input]:
    from autocakechat.plugins.sources.telegram.discovery import find_inputs

    return find_inputs(options.path)


def _read(options: TelegramOptions, input: Input, run: RunContext) -> Iterable[Chat]:
    from autocakechat.plugins.sources.telegram.reader import read_chats

    return read_chats(options, input, run)


def _recognises(path: Path) -> bool:
    from autocakechat.plugins.sources.telegram.discovery import recognises

    return recognises(path)


@hookimpl
def acc_sources() -> Iterator[SourceType]:
    """Yields the source `telegram`."""
    yield SourceType(
        name="telegram",
        summary="exports of Telegram Desktop (machine-readable JSON)",
        config=TelegramOptions,
        inputs=_inputs,
        read=_read,
        recognises=_recognises,
    )
