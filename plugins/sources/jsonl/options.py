"""The options of the source `jsonl`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from autocakechat import option


def check_time_zone(_: Any, __: attrs.Attribute[Any], name: str) -> None:
    """Checks the name of a time zone.

    Raises:
        ValueError: There is no such time zone.
    """
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"unknown time zone {name!r}; use a name such as 'Europe/Berlin'") from None


@attrs.frozen(kw_only=True)
class JsonlOptions:
    """Options of `[[source]]` with `use = "jsonl"`."""

    path: Path = option(
        affects_key=False, help="A file with one message a line, also as .gz or .zst, or a folder of such files."
    )
    include: list[str | int] = option(
        factory=list, help="The chats to read, by id or title; all others are skipped. Empty for all chats."
    )
    exclude: list[str | int] = option(
        factory=list, help="Chats to skip, and people whose messages are dropped, by id or name."
    )
    timezone: str = option(
        default="UTC", check=check_time_zone, help="Time zone of times that have none, such as Europe/Berlin."
    )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of times that have none."""
        return ZoneInfo(self.timezone)
