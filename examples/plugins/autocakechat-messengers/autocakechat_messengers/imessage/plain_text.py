"""The text files that imessage-exporter writes, one for each chat."""

from __future__ import annotations

import re
from collections.abc import Sequence

from autocakechat import Message
from autocakechat_messengers.content import OWNER, attachment_kind, seconds
from autocakechat_messengers.imessage.replies import PendingReplies
from autocakechat_messengers.text_blocks import DATE, english_time, start_of_hour
from autocakechat_messengers.text_form import Sender, TextForm

ME = "Me"
_TIME = rf"{DATE} [ \d]\d:\d\d:\d\d [AP]M"
_IN_BYTES = re.compile(rf"\A{_TIME}(?: \(Read by [^\n]*\))?\n[^\n]+\n|\A{_TIME} [^\n]+\n\n".encode())
_HEADER = re.compile(
    rf"(?P<time>({DATE}) +(\d+):(\d\d):(\d\d) ([AP])M)(?: \(Read by .*\))?(?:\n(?P<sender>.+)\n|(?P<notice> .+))"
)
_REPLY = re.compile(rf"^    ({_TIME})(?: \(Read by .*\))?\n    (.+)\n", re.MULTILINE)
_TAPBACKS = re.compile(
    r"^(?:Reactions|Tapbacks):\n(?: *(?:\S{1,12} by|(?:\w+ )?Sticker from) .+(?:\n|\Z))*", re.MULTILINE
)
_IS_REPLY = "This message responded to an earlier message."
_IS_DELETED = "This message was deleted from the conversation!"
_UNSENT = re.compile(r".{1,80} (?:deleted a message\.|unsent (?:a|this) message.*)")
_SERVICE = re.compile(r"SharePlay Message|(?:Started|Stopped) sharing location!")
_EFFECT = re.compile(r"Sent with (?:[A-Z][a-z]+ ?){1,2}")
_EDIT = re.compile(rf"{_TIME} |Edited .{{1,60}} later: ")
_ATTACHMENT = re.compile(r"(?:/|~/|attachments/|Attachments/)\S.*\.\w{2,5}")
_STICKER = re.compile(r"(?:\w+ )?Sticker from .+: ")
_MISSING = "Attachment missing!"


def is_text(head: bytes) -> bool:
    """Returns whether a file is one of imessage-exporter."""
    return _IN_BYTES.match(head.replace(b"\r\n", b"\n")) is not None


class _Converter:
    """Makes the messages of a chat; see `Converter`."""

    def __init__(self) -> None:
        self._pending = PendingReplies()

    def strip(self, texts: Sequence[str]) -> list[str | None]:
        lines = [text.rstrip("\n") for text in texts]
        return [
            None if "\n" in line or "unsent " in line or "deleted a " in line else line.strip() or None
            for line in lines
        ]

    def make_message(self, block: str, number: int) -> Message:
        return _message(block, number, self._pending)

    def remember(self, texts: Sequence[str], first: int) -> None:
        pass


def _message(block: str, number: int, pending: PendingReplies) -> Message:
    """Makes a message.

    Raises:
        ValueError: The block is damaged.
    """
    header = _HEADER.match(block)
    if header is None:
        raise ValueError("no message begins here")
    sent = english_time(*header.groups()[1:6])
    if header["notice"]:
        return Message(number, "", None, "", sent, kind="service: change of the group")
    name, body = header["sender"], block[header.end() :]
    is_reply = _IS_REPLY in body
    if first := _REPLY.search(body):
        pending.add(_REPLY.findall(body), number)
        body = body[: first.start()]
    kind, text = _content(_TAPBACKS.sub("", body))
    outgoing = name == ME
    return Message(
        number,
        OWNER if outgoing else name,
        name,
        text,
        sent,
        pending.take((header["time"], name)) if is_reply else None,
        kind,
        outgoing=outgoing,
    )


def _content(body: str) -> tuple[str, str]:
    """Returns the kind of a message and its text, without the lines that imessage-exporter adds."""
    kind, lines = "text", []
    for line in body.strip("\n").split("\n"):
        if line == _IS_REPLY or _EFFECT.fullmatch(line):
            continue
        if line == _IS_DELETED or _UNSENT.fullmatch(line):
            return "deleted message", ""
        if _SERVICE.fullmatch(line):
            return "service: sharing", ""
        if line == _MISSING or _ATTACHMENT.fullmatch(line):
            kind = attachment_kind(line)
        elif _STICKER.match(line):
            kind = "sticker"
        elif edit := _EDIT.match(line):
            lines = [line[edit.end() :]]  # the last version
        else:
            lines.append(line)
    if lines and lines[0].startswith(("https://", "http://")) and " " not in lines[0]:
        lines = lines[:1]  # the title and the summary of the page follow
    text = "\n".join(lines).strip()
    return (kind if text or kind != "text" else "empty message"), text


def _start_of_hour(written: str) -> int:
    date, _, hour = written.lstrip("\n").rpartition(" ")
    return seconds(start_of_hour(date.rstrip(), hour, "A"))


def _seconds(written: str) -> int:
    minute, second = written[1:6].split(":")
    return 60 * int(minute) + int(second) + (43_200 if written.endswith("PM") else 0)


def _sender(written: str) -> Sender:
    name = written.strip("\n")
    return Sender(OWNER if name == ME else name, name, name == ME)


FORM = TextForm(
    separator="\n\n",
    header=re.compile(
        rf"\n(?<=\n\n)({DATE} [ \d]\d)(:\d\d:\d\d [AP]M)( \(Read by [^\n]*\))?"
        rf"(\n[^\n]+\n(?!Sent with |This message |SharePlay |Started |Stopped |Attachment |[ /~]|[Aa]ttachments/"
        rf"|(?:\w+ )?Sticker from |Edited |Reactions:|Tapbacks:|{_TIME}))?"
    ),
    sender=re.compile(rf"\n{_TIME}(?: \(Read by .*\))?\r?\n([^\r\n]+)(?=\r?\n)".encode()),
    parse_hour=_start_of_hour,
    parse_time=_seconds,
    parse_sender=_sender,
    title=lambda file: file.location.stem,
    converter=_Converter,
)
