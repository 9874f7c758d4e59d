"""The text files that signalbackup-tools writes of Signal, one for each conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from autocakechat import Message
from autocakechat_messengers.content import attachment_kind, seconds
from autocakechat_messengers.text_blocks import DATE, english_time, start_of_hour
from autocakechat_messengers.text_form import Sender, TextForm

_IN_BYTES = re.compile(rf"\A\[{DATE} \d\d:\d\d:\d\d\] (?:\*\*\* |<)".encode())
_HEADER = re.compile(rf"\[({DATE}) (\d\d):(\d\d):(\d\d)\] (?:<(.*?)> |\*\*\* <(.*?)> sent file ?|\*\*\* )")
# ` (Ann: 👍; Bob: ❤️)` after a text; the names have no brackets.
_REACTIONS = re.compile(r" \((?:[^:;()\n]{1,80}: [^\w\s:;()]{1,12}(?:; |(?=\))))+\)\Z")
_POLL = re.compile(r"Poll: .*\n +\[\d+\] ")
_TITLE = re.compile(r" \(_id\d+\)\Z")
_LAST_SIGNS = frozenset(("", ")"))  # of a text that is empty or may have reactions


def is_text(head: bytes) -> bool:
    """Returns whether a file is one of signalbackup-tools."""
    return _IN_BYTES.match(head) is not None


class _Converter:
    """Makes the messages of a conversation; see `Converter`."""

    def strip(self, texts: Sequence[str]) -> list[str | None]:
        return [None if (text := line.rstrip("\n"))[-1:] in _LAST_SIGNS else text for line in texts]

    def make_message(self, block: str, number: int) -> Message:
        return _message(block, number)

    def remember(self, texts: Sequence[str], first: int) -> None:
        pass


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


def _start_of_hour(written: str) -> int:
    date, _, hour = written.removeprefix("[").rpartition(" ")
    return seconds(start_of_hour(date, hour))


def _seconds(written: str) -> int:
    minute, second = written[1:6].split(":")
    return 60 * int(minute) + int(second)


FORM = TextForm(
    separator="\n",
    header=re.compile(rf"\n(\[{DATE} \d\d)(:\d\d:\d\d\] )()(?:(<[^>\n]*> )(?!Poll: )|(?=\*\*\*|<))"),
    sender=re.compile(rf"\n\[{DATE} \d\d:\d\d:\d\d\] <([^>\n]*)>".encode()),
    parse_hour=_start_of_hour,
    parse_time=_seconds,
    parse_sender=lambda written: Sender(written[1:-2], written[1:-2]),
    title=lambda file: _TITLE.sub("", file.location.stem),
    converter=_Converter,
)
