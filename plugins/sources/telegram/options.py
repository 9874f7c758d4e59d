"""The options of the source `telegram`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs

from autocakechat import option

SkippedKind = Literal["bot_chat", "channel", "saved_messages", "replies", "verification_codes"]


@attrs.frozen(kw_only=True)
class TelegramOptions:
    """Options of `[[source]]` with `use = "telegram"`."""

    path: Path = option(
        default=Path("tg_data"), affects_key=False, help="An export: a result.json, or a folder of exports."
    )
    include: list[SkippedKind] = option(
        factory=list,
        help="Kinds of chats to read that are skipped by default: bot_chat, channel, saved_messages, replies, "
        "verification_codes.",
    )
    sticker_emoji: bool = option(default=False, help="Whether to use a sticker's emoji as its text.")
