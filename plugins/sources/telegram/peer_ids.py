"""Ids of people and chats, the same whatever version of the application wrote the file."""

from __future__ import annotations

import re
from typing import BinaryIO

# In versions 1.4.8 to 2.7.1 an id is a number. Some of them are shifted, so that the kinds of peers do not mix.
_USERS_FROM = 1 << 32
_GROUPS_FROM = 1 << 33

_SENDER_ID = re.compile(rb'(?<!\\)"(?:from|actor)_id"\s*:\s*(?:(?P<word>")|\d)')
_WHOLE_ID = re.compile(rb'(?<!\\)"from_id"\s*:\s*(?:"([^"\\]{1,40})"|(\d{1,18}))')
_LONGEST_GAP = 256  # more than anyone puts between a key and its value
_BLOCK = 1 << 20


def ids_are_words(file: BinaryIO) -> bool | None:
    """Tells by the first id in a file in which era it was written.

    Args:
        file: An export.

    Returns:
        True if ids are words such as `user123`, as since version 2.7.2; False if they are numbers, some of which may
        be shifted; None if there is no id.
    """
    tail = b""
    while block := file.read(_BLOCK):
        if found := _SENDER_ID.search(tail + block):
            return bool(found["word"])
        tail = block[-_LONGEST_GAP:]
    return None


def sender_ids(head: bytes) -> list[str | int]:
    """Returns the ids of senders in some messages, as they stand in the file."""
    return [int(number) if number else word.decode("utf-8", "replace") for word, number in _WHOLE_ID.findall(head)]


def sender_id(id: str | int | None, *, words: bool, private: bool) -> str:
    """Brings the id of a sender into the form `user123`, `channel123` or `chat123`.

    Args:
        id: As it stands in the file.
        words: Whether ids are words in this file.
        private: Whether the chat is between two people, so that no group or channel can speak in it.

    Returns:
        The id; empty if there is none.
    """
    if id is None:
        return ""
    if isinstance(id, str):
        return f"user{id}" if id.isdecimal() else id
    if words or id < _USERS_FROM:
        return f"user{id}"
    return f"user{id - _USERS_FROM}" if private or id < _GROUPS_FROM else f"channel{id - _GROUPS_FROM}"


def chat_id(id: int, type: str | None, *, words: bool) -> str:
    """Brings the id of a chat into the form of sender ids: that of a personal chat is the id of the partner."""
    if is_private(type):
        return sender_id(id, words=words, private=True)
    number = id - _GROUPS_FROM if not words and id >= _GROUPS_FROM else id
    return f"chat{number}" if type == "private_group" else f"channel{number}"


def is_private(type: str | None) -> bool:
    """Tells chats with one other user, or with none, from groups and channels."""
    return type in ("personal_chat", "bot_chat", "saved_messages", "replies", "verification_codes")


def is_person(id: str) -> bool:
    """Tells people (and bots) from channels and anonymous admins of groups."""
    return id.startswith("user")
