"""Where the chats of several files are, and which of them are the same chat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import attrs

from autocakechat.plugins.sources.telegram.conversion import peer_ids
from autocakechat.plugins.sources.telegram.export import ExportFile
from autocakechat.plugins.sources.telegram.parsing.byte_buffer import HEAD_SIZE
from autocakechat.plugins.sources.telegram.parsing.raw_messages import ChatHeader, RawChat

_UNIX_TIME = re.compile(rb'"(?:date|edited)_unixtime"\s*:\s*"?(\d{1,11})')
_LOCAL_DATE = re.compile(rb'"date"\s*:\s*"([^"]{1,40})"')
_DIGITS = re.compile("([0-9]+)")


@attrs.define
class ChatLocation:
    """A chat in one file.

    Attributes:
        export: The file.
        chat: The chat.
        end: File offset after its last message, or a little later.
    """

    export: ExportFile
    chat: RawChat
    end: int

    def recency(self) -> tuple[int, bytes, list[int | str]]:
        """Returns the sort key for exports of one chat: the last time in it, then the file name."""
        buffer = self.export.open_buffer()
        try:
            buffer.seek(max(self.chat.offset, self.end - HEAD_SIZE))
            buffer.read_chunk()
            tail = buffer.data[: self.end - buffer.offset]
        finally:
            buffer.close()
        last_time = max(map(int, _UNIX_TIME.findall(tail)), default=0)
        last_date = max(_LOCAL_DATE.findall(tail), default=b"")
        parts = _DIGITS.split(self.export.name)  # numbers are at odd indices
        natural_name = [int(part) if index % 2 else part for index, part in enumerate(parts)]
        return last_time, last_date, natural_name


class ChatKey(NamedTuple):
    """Identifies a chat across files.

    Attributes:
        chat_id: Normalised id of the chat.
        owner: Normalised id of the account's owner; None if it is unknown or irrelevant.
    """

    chat_id: str
    owner: str | None


def id_of_chat(export: ExportFile, header: ChatHeader, number: int) -> str:
    """Returns the normalised id of a chat; for a chat without one, its number in its file."""
    if header.id is None:
        return f"{export.name}#{number}"
    return peer_ids.chat_id(header.id, header.type, prefixed=export.prefixed_ids)


def locate_chats(export: ExportFile) -> Iterator[ChatLocation]:
    """Finds the chats of a file without reading their messages."""
    previous: ChatLocation | None = None
    for chat in export.parse_chats():
        if previous:
            previous.end = chat.offset
            yield previous
        previous = ChatLocation(export, chat, export.buffer.size)
        if export.is_single_chat:
            break
    if previous:
        yield previous


def chat_key(location: ChatLocation, number: int) -> ChatKey:
    """Returns the key of a chat.

    Channels and supergroups have one id and one numbering of messages for everybody. Other chats are numbered per
    account, and two owners may both have a chat with the same person, so the owner is part of their key.
    """
    export, header = location.export, location.chat.header
    chat_id = id_of_chat(export, header, number)
    if chat_id.startswith("channel"):
        return ChatKey(chat_id, None)
    return ChatKey(chat_id, export.owner or export.owner_of_single_chat(header))


def assign_unknown_owners(
    locations: dict[ChatKey, list[ChatLocation]],
) -> dict[ChatKey, list[ChatLocation]]:
    """Merges a chat of an unknown owner with the same chat of a known owner, if there is exactly one such owner."""
    merged = dict(locations)
    for key, unknown_locations in locations.items():
        if key.owner is None:
            same_chat = [other for other in merged if other.chat_id == key.chat_id and other.owner]
            if len(same_chat) == 1:
                merged[same_chat[0]] = [*merged[same_chat[0]], *unknown_locations]
                del merged[key]
    return merged
