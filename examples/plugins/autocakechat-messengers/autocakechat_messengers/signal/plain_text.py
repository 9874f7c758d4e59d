"""The text files that signalbackup-tools writes of Signal, one for each conversation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from autocakechat import Chat, LogFile, Message
from autocakechat_messengers.content import attachment_kind
from autocakechat_messengers.files import ExportFiles
from autocakechat_messengers.participants import kind_of_chat
from autocakechat_messengers.text_blocks import DATE, english_time, messages_of_blocks, read_blocks

_START = re.compile(rf"^(?P<start>)(?=\[{DATE} \d\d:\d\d:\d\d\] (?:\*\*\*|<))", re.MULTILINE)
_IN_BYTES = re.compile(rf"\A\[{DATE} \d\d:\d\d:\d\d\] (?:\*\*\* |<)".encode())
_SENDER = re.compile(rf"^\[{DATE} \d\d:\d\d:\d\d\] <([^>\n]*)>".encode(), re.MULTILINE)
_HEADER = re.compile(rf"\[({DATE}) (\d\d):(\d\d):(\d\d)\] (?:<(.*?)> |\*\*\* <(.*?)> sent file ?|\*\*\* )")
# ` (Ann: 👍; Bob: ❤️)` after a text; the names have no brackets.
_REACTIONS = re.compile(r" \((?:[^:;()\n]{1,80}: [^\w\s:;()]{1,12}(?:; |(?=\))))+\)\Z")
_POLL = re.compile(r"Poll: .*\n +\[\d+\] ")
_TITLE = re.compile(r" \(_id\d+\)\Z")


def is_text(head: bytes) -> bool:
    """Returns whether a file is one of signalbackup-tools."""
    return _IN_BYTES.match(head) is not None


def read(conversations: Sequence[LogFile], files: ExportFiles, advance: Callable[[int], None]) -> Iterator[Chat]:
    """Yields the conversations.

    Args:
        conversations: A file for each.
        files: All files of the export.
        advance: Called with a number of characters that were read.
    """
    for file in conversations:
        kind = kind_of_chat(file, files, _SENDER)
        title = _TITLE.sub("", file.location.stem)
        yield Chat(files.names[file], title, kind, _messages(file, files, advance))


def _messages(file: LogFile, files: ExportFiles, advance: Callable[[int], None]) -> Iterator[Message]:
    return messages_of_blocks(filter(str.strip, read_blocks(file, files, _START, advance)), _message)


def _message(block: str, number: int) -> Message:
    """Makes a message.

    Raises:
        ValueError: The block is not one.
    """
    header = _HEADER.match(block)
    if header is None:
        raise ValueError("no message begins here")
    date, hour, minute, second, author, sender_of_file = header.groups()
    sent = english_time(date, hour, minute, second)
    text = block[header.end() :].rstrip("\n")
    if text.endswith(")"):
        text = _REACTIONS.sub("", text)
    if author is not None:
        kind = "poll" if _POLL.match(text) else "text" if text else "empty message"
        return Message(number, author, author, "" if kind == "poll" else text, sent, kind=kind)
    if sender_of_file is not None:
        mime_type = text.removeprefix("of type ") if text.startswith("of type ") else ""
        return Message(
            number, sender_of_file, sender_of_file, "", sent, kind=attachment_kind(text.strip('"'), mime_type)
        )
    return Message(number, "", None, "", sent, kind="service: call" if text.endswith("call") else "service: notice")
