"""A source that reads WhatsApp chat exports from Android and iOS in any language.

`files` finds and opens exports. `header` parses the date and name at the beginning of a message, and `header_parser`
those of many messages quickly; `block_splitter` splits a block of lines at its headers. `export_format` scans the whole
file to detect its format. `splitting` joins pieces to messages and puts their times in order, `people` tells people
from system messages. `system_text` separates what WhatsApp inserts from what people write, with the sentences that
`sentence_matching` recognises. `batch_maker` makes the messages, and `reader` reads an export.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from autocakechat import Chat, Input, RunContext, SourceType, hookimpl, option


def _check_time_zone(_: Any, __: attrs.Attribute[Any], name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"unknown time zone {name!r}; use a name such as 'Europe/Berlin'") from None


@attrs.frozen(kw_only=True)
class Options:
    """The options of `[[source]]`."""

    path: Path = option(affects_key=False, help="An export: a .txt or .zip file of WhatsApp, or a folder of exports.")
    include: list[str | int] = option(
        factory=list, help="The chats to read, by title; all others are skipped. Empty for all chats."
    )
    exclude: list[str | int] = option(
        factory=list, help="Chats to skip, and people whose messages are dropped, by name."
    )
    timezone: str = option(
        default="UTC",
        check=_check_time_zone,
        help="Time zone of the phone, such as Europe/Berlin; exports do not contain it.",
    )


def inputs(options: Options) -> Sequence[Input]:
    """Finds exports; see `files.find_inputs`."""
    from autocakechat_whatsapp.files import find_inputs

    found = find_inputs(options.path)
    if len(found) == 1 or not (options.include or options.exclude):
        return found
    # Only a reader of all exports knows whether an entry of these options fits something, so they are read together.
    files = tuple(entry.paths[0] for entry in found)
    return [Input(f"{found[0].name} and {len(found) - 1} more", files)]


def read(options: Options, input: Input, run: RunContext) -> Iterable[Chat]:
    """Reads one export, or all of them; see `reader.read_chat`."""
    from autocakechat import select_chats
    from autocakechat_whatsapp.files import find_inputs
    from autocakechat_whatsapp.reader import read_chat

    exports = [input] if len(input.paths) == 1 else find_inputs(options.path)
    chats = (read_chat(export, ZoneInfo(options.timezone), run) for export in exports)
    return select_chats(chats, options.include, options.exclude)


def recognises(path: Path) -> bool:
    """Returns whether a file is an export, or a folder contains one."""
    from autocakechat_whatsapp.files import contains_export

    return contains_export(path)


@hookimpl
def acc_sources() -> Iterable[SourceType]:
    """Yields the source `whatsapp`."""
    yield SourceType(
        name="whatsapp",
        summary="WhatsApp chat exports (.txt and .zip, Android and iOS)",
        config=Options,
        inputs=inputs,
        read=read,
        recognises=recognises,
    )
