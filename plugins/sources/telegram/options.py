"""The options of the source `telegram`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import attrs

from autocakechat import option

SkippedKind = Literal["bot_chat", "channel", "saved_messages", "replies", "verification_codes"]


def _check_include(_: Any, __: attrs.Attribute[Any], include: list[str | int]) -> None:
    if kinds := [entry for entry in include if entry in get_args(SkippedKind)]:
        raise ValueError(f'lists chats, by id or title; to read chats of a kind, write include_kinds = ["{kinds[0]}"]')


@attrs.frozen(kw_only=True)
class TelegramOptions:
    """Options of `[[source]]` with `use = "telegram"`."""

    path: Path = option(
        default=Path("tg_data"), affects_key=False, help="An export: a result.json, or a folder of exports."
    )
    include: list[str | int] = option(
        factory=list,
        check=_check_include,
        help="The chats to read, by id or title; all others are skipped. Empty for all chats.",
    )
    exclude: list[str | int] = option(
        factory=list, help="Chats to skip, and people whose messages are dropped, by id or name."
    )
    include_kinds: list[SkippedKind] = option(
        factory=list,
        help="Kinds of chats to read that are skipped by default: bot_chat, channel, saved_messages, replies, "
        "verification_codes.",
    )
    sticker_emoji: bool = option(default=False, help="Whether to use a sticker's emoji as its text.")
