"""A source that reads WhatsApp's chat exports, of Android and iOS, in any language.

The way of the data: `files` finds and opens exports, `header` knows the beginning of a message in all its forms,
`form` looks once over the whole file to learn which form is meant, `notes` tells what WhatsApp wrote from what people
wrote, and `reading` makes messages of it all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from autocakechat import Chat, Input, RunContext, SourceType, hookimpl, option


def _time_zone(_: Any, __: attrs.Attribute[Any], name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{name!r} is no time zone; they are called like 'Europe/Berlin'") from None


@attrs.frozen(kw_only=True)
class Options:
    """The options of `[[source]]`."""

    path: Path = option(affects_key=False, help="an export: the .txt or .zip that WhatsApp made, or a folder of them")
    timezone: str = option(
        default="UTC", check=_time_zone, help="time zone of the phone, such as Europe/Berlin; exports do not tell it"
    )


def inputs(options: Options) -> Sequence[Input]:
    """Finds exports; see `files`."""
    from autocakechat_whatsapp.files import find_inputs

    return find_inputs(options.path)


def read(options: Options, input: Input, run: RunContext) -> Iterable[Chat]:
    """Reads an export; see `reading`."""
    from autocakechat_whatsapp.reading import read_chat

    yield read_chat(input, ZoneInfo(options.timezone), run)


def recognises(path: Path) -> bool:
    """Tells whether a file is an export, or a folder holds one; see `files`."""
    from autocakechat_whatsapp.files import holds_export

    return holds_export(path)


@hookimpl
def acc_sources() -> Iterable[SourceType]:
    """Yields the source."""
    yield SourceType(
        name="whatsapp",
        summary="chat exports of WhatsApp (.txt and .zip, Android and iOS)",
        config=Options,
        inputs=inputs,
        read=read,
        recognises=recognises,
    )
