"""Ids of people and chats, the same whatever version of the application wrote the file."""

from __future__ import annotations

import re
from typing import BinaryIO

# In versions 1.4.8 to 2.7.1 an id is a number. Some of them are shifted, so that the kinds of peers do not mix.
_USERS_FROM = 1 << 32
_GROUPS_FROM = 1 << 33

_SENDER_ID = re.compile(rb'(?<!\\)"(?:from|actor)_id"\s*:\s*(?:(?P<word>")|\d)')
_LONGEST_GAP = 256  # more than anyone puts between a key and its value
_BLOCK = 1 << 20


def ids_are_words(file: BinaryIO) -> bool:
    """Tells by the first id in a file in which era it was written.

    Args:
        file: An export.

    Returns:
        True if ids are words such as `user123`, as since version 2.7.2, or if there is none; False if they are
        numbers, some of which may be shifted.
    """
    tail = b""
    while block := file.read(_BLOCK):
        if found := _SENDER_ID.search(tail + block):
            return bool(found["word"])
        tail = block[-_LONGEST_GAP:]
    return True


def sender_id(id: str | int | None, *, words: bool) -> str:
    """Brings the id of a sender into the form `user123`, `channel123` or `chat123`.

    Args:
        id: As it stands in the file.
        words: Whether ids are words in this file.

    Returns:
        The id; empty if there is none.
    """
    if id is None:
        return ""
    if isinstance(id, str):
        return f"user{id}" if id.isdecimal() else id
    if not words and id >= _GROUPS_FROM:
        return f"channel{id - _GROUPS_FROM}"
    return f"user{_unshifted(id, words=words)}"


def chat_id(id: int, type: str | None, *, words: bool) -> str:
    """Brings the id of a chat into the form of sender ids: that of a personal chat is the id of the partner."""
    number = _unshifted(id, words=words)
    match type:
        case "personal_chat" | "bot_chat" | "saved_messages" | "replies" | "verification_codes":
            return f"user{number}"
        case "private_group":
            return f"chat{number}"
        case _:
            return f"channel{number}"


def is_person(id: str) -> bool:
    """Tells people (and bots) from channels and anonymous admins of groups."""
    return id.startswith("user")


def _unshifted(id: int, *, words: bool) -> int:
    if words or id < _USERS_FROM:
        return id
    return id - (_GROUPS_FROM if id >= _GROUPS_FROM else _USERS_FROM)
