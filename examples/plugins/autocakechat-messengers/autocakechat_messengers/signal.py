"""Signal: what sigexport writes, a folder for each conversation with a file `data.json`, one message a line."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from autocakechat import Chat, Message, RunContext
from autocakechat_messengers.content import (
    OWNER,
    WRONG_VALUES,
    attachment_kind,
    damaged,
    find_files,
    json_problem,
    seconds,
    text_of,
)
from autocakechat_messengers.source import ExportFiles

HINT = {"signal": "export the chats of Signal Desktop with sigexport, and give the folder that it writes"}
_ME, _UNKNOWN = "Me", "No-Sender"
_SENDER = re.compile(rb'"sender": *("(?:[^"\\]|\\.)*")')
_CALL = re.compile(r"(?:Incoming|Outgoing|Missed) (?:\w+ )?call(?: \(.*\))?")
_MAX_QUOTABLE = 5000
_MAX_LINE = 1 << 24


def find(source: str, path: Path) -> Sequence[Path]:
    """Returns the files of an export; see `Format.find`."""
    return find_files(path, "data.json", _problem)


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the conversations; see `Format.read`."""
    with run.progress("reading Signal chats", total=sum(path.stat().st_size for path in files), unit="B") as progress:
        for path in files:
            progress.advance(path.stat().st_size)
            name = files.names[path]
            title = path.parent.name
            kind = "group" if _has_many_senders(path) else "private chat"
            yield Chat(name, title, kind, _messages(path, name, run))


def _problem(_path: Path, head: bytes) -> str:
    first = head.partition(b"\n")[0]
    is_message = all(key in first for key in (b'"date"', b'"sender"', b'"body"'))
    return json_problem(head) or ("" if is_message else "JSON, but not of sigexport")


def _has_many_senders(path: Path) -> bool:
    """Returns whether more than two people write; the format does not say what a group is."""
    senders: set[bytes] = set()
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(_MAX_LINE), b""):
            if match := _SENDER.search(line):
                senders.add(match[1])
                if len(senders - {b'"No-Sender"'}) > 2:
                    return True
    return False


def _messages(path: Path, name: str, run: RunContext) -> Iterator[Message]:
    sent, broken = 0, 0
    quotable: OrderedDict[str, int] = OrderedDict()
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b"")):
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
        run.log.warning("%s: %d lines are damaged or cut off and not used", name, broken)


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
