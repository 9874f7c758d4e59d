"""The text files that imessage-exporter writes, one for each chat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from autocakechat import Chat, LogFile, Message
from autocakechat_messengers.content import OWNER, attachment_kind
from autocakechat_messengers.files import ExportFiles
from autocakechat_messengers.imessage.replies import PendingReplies
from autocakechat_messengers.participants import kind_of_chat
from autocakechat_messengers.text_blocks import DATE, english_time, messages_of_blocks, read_blocks

ME = "Me"
_TIME = rf"{DATE} [ \d]\d:\d\d:\d\d [AP]M"
# A message follows an empty line; the first line of an edited one has a time, too.
_START = re.compile(rf"(?:\A|(?<=\n\n))(?P<start>)(?={_TIME})")
_IN_BYTES = re.compile(rf"\A{_TIME}(?: \(Read by [^\n]*\))?\n[^\n]+\n|\A{_TIME} [^\n]+\n\n".encode())
_HEADER = re.compile(
    rf"(?P<time>({DATE}) +(\d+):(\d\d):(\d\d) ([AP])M)(?: \(Read by .*\))?(?:\n(?P<sender>.+)\n|(?P<notice> .+))"
)
_SENDER = re.compile(rf"^{_TIME}(?: \(Read by .*\))?\r?\n([^\r\n]+)\r?\n".encode(), re.MULTILINE)
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


def read(chats: Sequence[LogFile], files: ExportFiles, advance: Callable[[int], None]) -> Iterator[Chat]:
    """Yields the chats.

    Args:
        chats: A file for each.
        files: All files of the export.
        advance: Called with a number of characters that were read.
    """
    for file in chats:
        kind = kind_of_chat(file, files, _SENDER)
        yield Chat(files.names[file], file.location.stem, kind, _messages(file, files, advance))


def _messages(file: LogFile, files: ExportFiles, advance: Callable[[int], None]) -> Iterator[Message]:
    blocks = filter(str.strip, read_blocks(file, files, _START, advance))
    return messages_of_blocks(blocks, partial(_message, pending=PendingReplies()))


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
