"""What the formats share: kinds of attachments, ids and times."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import xxhash

from autocakechat import Message

# The sender of the messages of the owner of a log that has no id of the owner. `me` has another meaning in `server`.
OWNER = "owner"
DAMAGED_MESSAGE = "damaged message"
DUPLICATE_MESSAGE = "duplicate message"
# What code that reads a message raises if a value has another type than expected.
WRONG_VALUES = (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_LAST_TIME = 253_402_300_799  # the end of the year 9999
_LAST_ID = (1 << 63) - 1


def attachment_kind(name: str, mime_type: str = "") -> str:
    """Returns the kind of an attachment by its name or type: photo, video, audio file or file."""
    guessed = mime_type or mimetypes.guess_type(name)[0] or ""
    main, _, subtype = guessed.partition("/")
    if subtype == "gif":
        return "animation"
    return {"image": "photo", "video": "video", "audio": "audio file"}.get(main, "file")


def text_of(value: Any) -> str:
    """Returns a text; empty for null.

    Raises:
        TypeError: It is something else.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is not text")
    return value


def number_of(id: Any) -> int:
    """Returns the number of an id, which may be a word; the same id has the same number everywhere."""
    written = str(id)
    if written.isascii() and written.isdecimal() and len(written) < 20 and int(written) <= _LAST_ID:
        return int(written)
    return xxhash.xxh3_64_intdigest(written.encode("utf-8", "surrogatepass")) >> 1


def seconds(time: Any, per_second: int = 1) -> int:
    """Returns a time in seconds since 1970.

    Args:
        time: ISO 8601, or a number.
        per_second: The unit of a number: 1000 for milliseconds.

    Raises:
        ValueError: It is not a time.
    """
    if isinstance(time, str):
        moment = datetime.fromisoformat(time)
        since = moment - (_EPOCH if moment.tzinfo else _NAIVE_EPOCH)
        result = since.days * 86_400 + since.seconds
    else:
        result = int(time // per_second)
    if not 0 <= result <= _LAST_TIME:
        raise ValueError("the time is out of range")
    return result


def damaged(number: int, sent: int) -> Message:
    """Returns the message for an entry that cannot be read.

    Args:
        number: The number of the entry in its chat.
        sent: The time of the message before it.
    """
    return Message(-1 - number, "", None, "", sent, kind=DAMAGED_MESSAGE)


def without_duplicates(messages: Iterable[Message]) -> Iterator[Message]:
    """Empties each message with the id of the message before it; times never decrease."""
    previous, sent = None, 0
    for message in messages:
        sent = message.sent = max(sent, message.sent)
        if message.id == previous:
            yield Message(message.id, "", None, "", sent, kind=DUPLICATE_MESSAGE)
        else:
            yield message
        previous = message.id
