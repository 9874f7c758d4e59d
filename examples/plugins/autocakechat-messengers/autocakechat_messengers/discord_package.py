"""Discord's own data package: a folder for each channel, with the messages of the account's owner only."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autocakechat import Chat, Message, RunContext
from autocakechat_messengers.content import OWNER, WRONG_VALUES, attachment_kind, damaged, number_of, seconds, text_of
from autocakechat_messengers.json_stream import InvalidJsonError, JsonList
from autocakechat_messengers.source import ExportFiles

_NAMES = ("messages.json", "messages.csv")


def find(path: Path) -> list[Path]:
    """Returns the files of a data package under a folder: those with messages, and those that describe a channel."""
    if not path.is_dir():
        return []
    found = [file for name in _NAMES for file in path.rglob(name) if (file.parent / "channel.json").is_file()]
    return [*found, *(file.parent / "channel.json" for file in found)]


def is_part(path: Path) -> bool:
    """Returns whether a file belongs to a data package."""
    siblings = _NAMES if path.name == "channel.json" else ("channel.json",) if path.name in _NAMES else ()
    return any((path.parent / name).is_file() for name in siblings)


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the channels. They have no messages of other people, so no dialog can be made of them."""
    run.log.warning(
        "a data package of Discord has only your own messages, so it gives no dialogs; "
        "export channels with DiscordChatExporter"
    )
    for path in files:
        if path.name in _NAMES:
            channel = _json(path.parent / "channel.json")
            name = channel.get("name")
            id_ = str(channel.get("id") or path.parent.name.lstrip("c"))
            kind = "private chat" if channel.get("type") in (1, "DM") else "channel group"
            messages = sorted(_messages(path, files.names[path], run), key=lambda message: message.sent)
            yield Chat(id_, name if isinstance(name, str) else None, kind, messages)


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _messages(path: Path, name: str, run: RunContext) -> Iterator[Message]:
    """Yields the messages of a channel; the newest one is the first."""
    with path.open("rb") as file:
        try:
            entries = _rows(path) if path.suffix == ".csv" else iter(JsonList(file, ""))
            for number, entry in enumerate(entries):
                try:
                    yield _message(entry)
                except WRONG_VALUES:
                    yield damaged(number, 0)
        except InvalidJsonError as error:
            run.log.warning("%s: the file is damaged or truncated (%s); everything before is used", name, error)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        yield from csv.DictReader(file)


def _message(entry: dict[str, Any]) -> Message:
    text, attachments = text_of(entry.get("Contents")), text_of(entry.get("Attachments"))
    kind = attachment_kind(attachments.split()[0].partition("?")[0]) if attachments else "text"
    return Message(number_of(entry["ID"]), OWNER, None, text, seconds(entry["Timestamp"]), kind=kind, outgoing=True)
