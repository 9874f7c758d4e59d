"""What the formats share: files by their beginnings, kinds of attachments, ids and times."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xxhash

from autocakechat import Message
from autocakechat_messengers.source import NotAnExportError

HEAD_SIZE = 1 << 14  # bytes at the beginning of a file that are enough to recognise its format
# The sender of the messages of the owner of a log that has no id of the owner. `me` has another meaning in `server`.
OWNER = "owner"
DAMAGED_MESSAGE = "damaged message"
DUPLICATE_MESSAGE = "duplicate message"
# What code that reads a message raises if a value has another type than expected.
WRONG_VALUES = (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError)
_LAST_TIME = 253_402_300_799  # the end of the year 9999
_LAST_ID = (1 << 63) - 1


def find_files(path: Path, suffix: str, problem: Callable[[Path, bytes], str]) -> list[Path]:
    """Returns the files of a format: the path itself, or files below it.

    Args:
        path: A file or a folder.
        suffix: The suffix of files in folders.
        problem: Takes a file and its beginning, and returns why it is not of the format; empty if it is.

    Raises:
        NotAnExportError: There are none.
    """
    first = ""
    found = []
    for file in [path] if path.is_file() else sorted(_walk(path, suffix)):
        reason = problem(file, read_head(file))
        if not reason:
            found.append(file)
        first = first or f"{file}: {reason}"
    if not found:
        raise NotAnExportError(first or f"{path}: no {suffix} file in this folder")
    return found


def read_head(file: Path) -> bytes:
    """Returns the beginning of a file, without a byte order mark and white space."""
    with file.open("rb") as opened:
        return opened.read(HEAD_SIZE).lstrip(b"\xef\xbb\xbf \t\r\n")


def json_problem(head: bytes) -> str:
    """Returns why a file is not JSON; empty if it may be."""
    if not head:
        return "the file is empty"
    return "" if head.startswith((b"{", b"[")) else "not JSON"


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
        result = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
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


def _walk(folder: Path, suffix: str) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        paths = (Path(parent, name) for name in names if name.lower().endswith(suffix))
        yield from filter(Path.is_file, paths)  # not a pipe, which would block
