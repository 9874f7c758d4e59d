"""Channels of Discord, written by DiscordChatExporter as JSON: one or more files a channel."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from autocakechat import Chat, LogFile, Message, RunContext, UserError
from autocakechat_messengers.content import (
    WRONG_VALUES,
    attachment_kind,
    damaged,
    number_of,
    seconds,
    text_of,
    without_duplicates,
)
from autocakechat_messengers.files import ExportFiles, json_problem
from autocakechat_messengers.json_stream import InvalidJsonError, JsonList

_TEXT_TYPES = ("Default", "Reply", "0", "19", "20", "ApplicationCommand", "ContextMenuCommand")
_CHAT_KINDS = {
    "DirectTextChat": "private chat",
    "DirectGroupTextChat": "private group",
    "DmChannel": "private chat",
    "1": "private chat",
    "3": "private group",
}


def find_problem(_: LogFile, head: bytes) -> str:
    """Returns why a file is not of DiscordChatExporter; empty if it is."""
    if problem := json_problem(head):
        return problem
    is_export = b'"guild"' in head and b'"channel"' in head and head.startswith(b"{")
    return "" if is_export else "JSON, but not of DiscordChatExporter"


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the channels; see `Format.read`."""
    headers = {file: _header(file, files) for file in files}
    channels: dict[str, list[LogFile]] = {}
    for file, header in headers.items():
        channels.setdefault(_id(header, "channel") or files.names[file], []).append(file)
    with run.progress("reading Discord channels", total=sum(map(files.size, files)), unit="B") as progress:
        for id_, parts in channels.items():
            streams = [_Part(part, files, run, progress.advance).messages() for part in parts]
            merged = heapq.merge(*streams, key=attrgetter("sent"))
            header = headers[parts[0]]
            kind = _kind(header)
            yield Chat(id_, _title(header, kind), kind, without_duplicates(merged))


def _header(file: LogFile, files: ExportFiles) -> dict[str, Any]:
    try:
        with files.open(file) as opened:
            return JsonList(opened, "messages").header
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
        file: The file.
        files: All files.
        run: The run, for warnings.
        advance: Called with the number of bytes that were read.
    """

    def __init__(self, file: LogFile, files: ExportFiles, run: RunContext, advance: Callable[[int], None]) -> None:
        self._file = file
        self._files = files
        self._run = run
        self._advance = advance

    def messages(self) -> Iterator[Message]:
        """Yields the messages, oldest first. A file with the newest message first is held in memory."""
        messages = self._in_file_order()
        first, second = next(messages, None), next(messages, None)
        start = [message for message in (first, second) if message]
        if first and second and first.sent > second.sent:
            yield from reversed([*start, *messages])
            return
        yield from start
        yield from messages

    def _in_file_order(self) -> Iterator[Message]:
        sent = 0
        try:
            with self._files.open(self._file) as file:
                for number, entry in enumerate(JsonList(file, "messages", self._advance)):
                    try:
                        message = _message(entry)
                    except WRONG_VALUES:
                        message = damaged(number, sent)
                    sent = message.sent
                    yield message
        except (InvalidJsonError, UserError) as error:
            name = self._files.names[self._file]
            self._run.log.warning("%s: the file is damaged or truncated (%s); everything before is used", name, error)


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
