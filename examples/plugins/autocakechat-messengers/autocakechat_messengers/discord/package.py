"""Discord's own data package: a folder for each channel, with the messages of the account's owner only."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, BinaryIO

from autocakechat import Chat, LogFile, Message, RunContext, UserError
from autocakechat_messengers.content import OWNER, WRONG_VALUES, attachment_kind, damaged, number_of, seconds, text_of
from autocakechat_messengers.files import ExportFiles, Listing
from autocakechat_messengers.json_stream import InvalidJsonError, JsonList

_NAMES = ("messages.json", "messages.csv")
_CHANNEL = "channel.json"


def find(listing: Listing) -> list[LogFile]:
    """Returns the files of a data package: those with messages, and those that describe a channel."""
    described = {file.location.parent for file in listing.files if file.file_name == _CHANNEL}
    return [
        file for file in listing.files if file.file_name in (*_NAMES, _CHANNEL) and file.location.parent in described
    ]


def own_files(files: ExportFiles) -> list[LogFile]:
    """Returns the files with messages, of a data package; empty if the export is not one."""
    described = {file.location.parent for file in files if file.file_name == _CHANNEL}
    return [file for file in files if file.file_name in _NAMES and file.location.parent in described]


def read(own: Sequence[LogFile], files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the channels. They have no messages of other people, so no dialog can be made of them.

    Args:
        own: The files with messages.
        files: All files of the package.
        run: The run, for warnings.
    """
    run.log.warning(
        "a data package of Discord has only your own messages, so it gives no dialogs; "
        "export channels with DiscordChatExporter"
    )
    descriptions = {file.location.parent: file for file in files if file.file_name == _CHANNEL}
    with run.progress("reading the data package of Discord", total=sum(map(files.size, own)), unit="B") as progress:
        for file in own:
            folder = file.location.parent
            channel = _json(files.read_whole(descriptions[folder]))
            name = channel.get("name")
            id_ = str(channel.get("id") or folder.name.lstrip("c"))
            kind = "private chat" if channel.get("type") in (1, "DM") else "channel group"
            messages = sorted(_messages(file, files, run), key=attrgetter("sent"))
            progress.advance(files.size(file))
            yield Chat(id_, name if isinstance(name, str) else None, kind, messages)


def _json(content: bytes) -> dict[str, Any]:
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _messages(file: LogFile, files: ExportFiles, run: RunContext) -> Iterator[Message]:
    """Yields the messages of a channel; the newest one is the first."""
    try:
        with files.open(file) as opened:
            entries = _rows(opened) if file.file_name.endswith(".csv") else iter(JsonList(opened, ""))
            for number, entry in enumerate(entries):
                try:
                    yield _message(entry)
                except WRONG_VALUES:
                    yield damaged(number, 0)
    except (InvalidJsonError, UserError, csv.Error) as error:
        run.log.warning(
            "%s: the file is damaged or truncated (%s); everything before is used", files.names[file], error
        )


def _rows(file: BinaryIO) -> Iterator[dict[str, Any]]:
    with io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="") as text:
        yield from csv.DictReader(text)


def _message(entry: dict[str, Any]) -> Message:
    text, attachments = text_of(entry.get("Contents")), text_of(entry.get("Attachments"))
    kind = attachment_kind(attachments.split()[0].partition("?")[0]) if attachments else "text"
    return Message(number_of(entry["ID"]), OWNER, None, text, seconds(entry["Timestamp"]), kind=kind, outgoing=True)
