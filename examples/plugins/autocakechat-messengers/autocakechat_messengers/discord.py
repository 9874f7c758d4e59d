"""Discord: JSON files of DiscordChatExporter, one channel each, and the data package of Discord itself."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path
from typing import Any

from autocakechat import Chat, Message, RunContext
from autocakechat_messengers import discord_package
from autocakechat_messengers.content import (
    WRONG_VALUES,
    attachment_kind,
    damaged,
    find_files,
    json_problem,
    number_of,
    seconds,
    text_of,
    without_duplicates,
)
from autocakechat_messengers.json_stream import InvalidJsonError, JsonList
from autocakechat_messengers.source import ExportFiles, NotAnExportError

HINT = {"discord": "export channels with DiscordChatExporter in the format JSON"}
_TEXT_TYPES = ("Default", "Reply", "0", "19", "20", "ApplicationCommand", "ContextMenuCommand")
_CHAT_KINDS = {
    "DirectTextChat": "private chat",
    "DirectGroupTextChat": "private group",
    "DmChannel": "private chat",
    "1": "private chat",
    "3": "private group",
}


def find(source: str, path: Path) -> Sequence[Path]:
    """Returns the files of an export; see `Format.find`."""
    try:
        return find_files(path, ".json", _problem)
    except NotAnExportError as error:
        if files := discord_package.find(path):
            return files
        raise error from None


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the channels; see `Format.read`."""
    paths = [path for path in files if not discord_package.is_part(path)]
    if not paths:
        yield from discord_package.read(files, run)
        return
    headers = {path: _header(path) for path in paths}
    channels: dict[str, list[Path]] = {}
    for path, header in headers.items():
        channels.setdefault(_id(header, "channel") or files.names[path], []).append(path)
    total = sum(path.stat().st_size for path in paths)
    with run.progress("reading Discord channels", total=total, unit="B") as progress, ExitStack() as stack:
        for id_, parts in channels.items():
            streams = [_Part(files.names[part], run, progress.advance).messages(part) for part in parts]
            merged = heapq.merge(*streams, key=attrgetter("sent"))
            header = headers[parts[0]]
            kind = _kind(header)
            yield Chat(id_, _title(header, kind), kind, without_duplicates(merged))
        stack.close()


def _problem(path: Path, head: bytes) -> str:
    if problem := json_problem(head):
        return problem
    is_export = b'"guild"' in head and b'"channel"' in head and head.startswith(b"{")
    return "" if is_export else "JSON, but not of DiscordChatExporter"


def _header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return JsonList(file, "messages").header
    except InvalidJsonError:
        return {}


def _values(header: dict[str, Any], key: str) -> dict[str, Any]:
    values = header.get(key)
    return values if isinstance(values, dict) else {}


def _id(header: dict[str, Any], key: str) -> str:
    return str(_values(header, key).get("id") or "")


def _kind(header: dict[str, Any]) -> str:
    return _CHAT_KINDS.get(str(_values(header, "channel").get("type")), "channel group")


def _title(header: dict[str, Any], kind: str) -> str | None:
    names = [_values(header, "channel").get("name")]
    if kind == "channel group":
        names.insert(0, _values(header, "guild").get("name"))
    return " / ".join(name for name in names if isinstance(name, str)) or None


class _Part:
    """One file of a channel.

    Args:
        name: Its name, safe to print.
        run: The run, for warnings.
        advance: Called with the number of bytes that were read.
    """

    def __init__(self, name: str, run: RunContext, advance: Callable[[int], None]) -> None:
        self._name = name
        self._run = run
        self._advance = advance

    def messages(self, path: Path) -> Iterator[Message]:
        """Yields the messages, oldest first. A file with the newest message first is held in memory."""
        messages = self._in_file_order(path)
        first, second = next(messages, None), next(messages, None)
        start = [message for message in (first, second) if message]
        if first and second and first.sent > second.sent:
            yield from reversed([*start, *messages])
            return
        yield from start
        yield from messages

    def _in_file_order(self, path: Path) -> Iterator[Message]:
        sent = 0
        with path.open("rb") as file:
            try:
                for number, entry in enumerate(JsonList(file, "messages", self._advance)):
                    try:
                        message = _message(entry)
                    except WRONG_VALUES:
                        message = damaged(number, sent)
                    sent = message.sent
                    yield message
            except InvalidJsonError as error:
                self._run.log.warning(
                    "%s: the file is damaged or truncated (%s); everything before is used", self._name, error
                )


def _message(entry: dict[str, Any]) -> Message:
    """Makes a message.

    Raises:
        Exception: One of WRONG_VALUES, if the entry is damaged.
    """
    author = entry["author"]
    type_ = str(entry.get("type", "Default"))
    reference = entry.get("reference") or {}
    forwarded = entry.get("forwardedMessage")
    text = text_of(entry.get("content"))
    kind, own_words = _content_kind(entry, text), True
    if type_ not in _TEXT_TYPES:
        text, kind = "", f"service: {type_}"
    elif forwarded or reference.get("type") in ("Forward", 1):
        text = text or text_of((forwarded or {}).get("content"))
        kind, own_words = "forward", False
    elif author.get("isBot"):
        kind, own_words = "bot message" if text else kind, False
    target = reference.get("messageId") if type_ in ("Reply", "19") else None
    return Message(
        number_of(entry["id"]),
        str(author["id"]),
        text_of(author.get("nickname")) or text_of(author.get("name")) or None,
        text,
        seconds(entry["timestamp"]),
        number_of(target) if target else None,
        kind,
        own_words,
    )


def _content_kind(entry: dict[str, Any], text: str) -> str:
    """Returns the kind of a message by what is attached to it."""
    if attachments := entry.get("attachments"):
        return attachment_kind(text_of(attachments[0].get("fileName")))
    if entry.get("stickers"):
        return "sticker"
    if text:
        return "text"
    if entry.get("poll"):
        return "poll"
    return "embed" if entry.get("embeds") else "empty message"
