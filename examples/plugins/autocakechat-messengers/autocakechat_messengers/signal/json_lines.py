"""What sigexport writes of Signal: a folder for each conversation with a file `data.json`, one message a line."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from autocakechat import Chat, LogFile, Message, RunContext
from autocakechat_messengers.content import OWNER, WRONG_VALUES, attachment_kind, damaged, seconds, text_of
from autocakechat_messengers.files import ExportFiles, json_problem
from autocakechat_messengers.participants import has_many_senders

_ME, _UNKNOWN = "Me", "No-Sender"
_SENDER = re.compile(rb'"sender": *"(?!No-Sender")((?:[^"\\]|\\.)*)"')
_CALL = re.compile(r"(?:Incoming|Outgoing|Missed) (?:\w+ )?call(?: \(.*\))?")
_MAX_QUOTABLE = 5000
_MAX_LINE = 1 << 24


def find_problem(head: bytes) -> str:
    """Returns why a file is not of sigexport; empty if it is."""
    first = head.partition(b"\n")[0]
    is_message = all(key in first for key in (b'"date"', b'"sender"', b'"body"'))
    return json_problem(head) or ("" if is_message else "JSON, but not of sigexport")


def read(
    conversations: Sequence[LogFile], files: ExportFiles, run: RunContext, advance: Callable[[int], None]
) -> Iterator[Chat]:
    """Yields the conversations.

    Args:
        conversations: A file for each.
        files: All files of the export.
        run: The run, for warnings.
        advance: Called with a number of bytes that were read.
    """
    for file in conversations:
        kind = "group" if has_many_senders(file, files, _SENDER) else "private chat"
        yield Chat(files.names[file], file.location.parent.name, kind, _messages(file, files, run))
        advance(files.size(file))


def _messages(file: LogFile, files: ExportFiles, run: RunContext) -> Iterator[Message]:
    sent, broken = 0, 0
    quotable: OrderedDict[str, int] = OrderedDict()
    decode = msgspec.json.Decoder().decode
    with files.open(file) as opened:
        for number, line in enumerate(iter(lambda: opened.readline(_MAX_LINE), b"")):
            if line.isspace():
                continue
            try:
                message = _message(decode(line), number, quotable)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, *WRONG_VALUES):
                broken += 1
                message = damaged(number, sent)
            sent = message.sent = max(sent, message.sent)
            if message.text:
                quotable[message.text] = message.id
                quotable.move_to_end(message.text)
                if len(quotable) > _MAX_QUOTABLE:
                    quotable.popitem(last=False)
            yield message
    if broken:
        run.log.warning("%s: %d lines are damaged or cut off and not used", files.names[file], broken)


def _message(entry: dict[str, Any], number: int, quotable: dict[str, int]) -> Message:
    """Makes a message. A quote has only the text that it quotes; the latest message with this text is replied to."""
    sender, text = text_of(entry["sender"]), text_of(entry["body"]).strip()
    kind = "text" if text else "empty message"
    if entry.get("deleted"):
        kind, text = "deleted message", ""
    elif entry.get("call") or entry.get("missed") or _CALL.fullmatch(text):
        kind, text = "service: call", ""
    elif attachments := entry.get("attachments"):
        kind = attachment_kind(text_of(attachments[0].get("name")) or text_of(attachments[0].get("path")))
    elif entry.get("sticker"):
        kind = "sticker"
    quoted = text_of(entry.get("quote")).strip().removeprefix(">").replace("\n> ", "\n").replace("`", "").strip()
    return Message(
        number,
        {_UNKNOWN: "", _ME: OWNER}.get(sender, sender),
        sender or None,
        text,
        seconds(entry["date"]),
        quotable.get(quoted) if quoted else None,
        kind,
        outgoing=sender == _ME,
    )
