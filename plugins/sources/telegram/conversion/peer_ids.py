"""Normalises the ids of people and chats, so that exports of all Telegram Desktop versions yield the same ids."""

from __future__ import annotations

import re
from enum import Enum
from typing import BinaryIO

# Versions 1.4.8 to 2.7.1 write ids as integers and add an offset to some of them, one for each type of peer.
_USER_ID_OFFSET = 1 << 32
_GROUP_ID_OFFSET = 1 << 33

_SENDER_ID_START = re.compile(rb'(?<!\\)"(?:from|actor)_id"\s*:\s*(?:(?P<quote>")|\d)')
_SENDER_ID = re.compile(rb'(?<!\\)"from_id"\s*:\s*(?:"([^"\\]{1,40})"|(\d{1,18}))')
_OVERLAP = 256  # bytes of the previous block that are searched again, longer than a key and the start of its value
_BLOCK_SIZE = 1 << 20


class IdFormat(Enum):
    """How an export writes the ids of senders."""

    PREFIXED = "prefixed"
    """With a type prefix such as `user123`, since version 2.7.2."""
    INTEGER = "integer"
    """As integers, some of them with an offset."""


def detect_id_format(file: BinaryIO) -> IdFormat | None:
    """Detects the id format of an export by its first sender id.

    Args:
        file: An export, opened at its beginning.

    Returns:
        The format; None if the file contains no sender id.
    """
    tail = b""
    while block := file.read(_BLOCK_SIZE):
        if match := _SENDER_ID_START.search(tail + block):
            return IdFormat.PREFIXED if match["quote"] else IdFormat.INTEGER
        tail = block[-_OVERLAP:]
    return None


def find_sender_ids(head: bytes) -> list[str | int]:
    """Returns the sender ids in a part of an export, not normalised."""
    return [int(number) if number else word.decode("utf-8", "replace") for word, number in _SENDER_ID.findall(head)]


def sender_id(id: str | int | None, *, prefixed: bool, private: bool) -> str:
    """Normalises the id of a sender to the form `user123`, `channel123` or `chat123`.

    Args:
        id: The id in the file.
        prefixed: Whether the ids of the file have a type prefix.
        private: Whether the chat is between two people, so that the sender cannot be a group or channel.

    Returns:
        The normalised id; empty if there is none.
    """
    if id is None:
        return ""
    if isinstance(id, str):
        return f"user{id}" if id.isdecimal() else id
    if prefixed or id < _USER_ID_OFFSET:
        return f"user{id}"
    if private or id < _GROUP_ID_OFFSET:
        return f"user{id - _USER_ID_OFFSET}"
    return f"channel{id - _GROUP_ID_OFFSET}"


def chat_id(id: int, type: str | None, *, prefixed: bool) -> str:
    """Normalises the id of a chat to the form of sender ids. The id of a personal chat is that of the other person."""
    if is_private(type):
        return sender_id(id, prefixed=prefixed, private=True)
    number = id - _GROUP_ID_OFFSET if not prefixed and id >= _GROUP_ID_OFFSET else id
    return f"chat{number}" if type == "private_group" else f"channel{number}"


def is_private(type: str | None) -> bool:
    """Returns whether a chat of this type has at most one other participant (no group, no channel)."""
    return type in ("personal_chat", "bot_chat", "saved_messages", "replies", "verification_codes")


def is_person(id: str) -> bool:
    """Returns whether a normalised id belongs to a user (a person or bot), not to a channel or anonymous admin."""
    return id.startswith("user")
