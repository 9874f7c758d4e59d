"""What sigexport writes of Signal: a folder for each conversation with a file `data.json`, one message a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any, BinaryIO

import msgspec

from autocakechat import Chat, LogFile, Message, RunContext
from autocakechat_messengers.content import OWNER, WRONG_VALUES, attachment_kind, damaged, seconds, text_of
from autocakechat_messengers.files import ExportFiles, json_problem
from autocakechat_messengers.participants import kind_of_chat

ME, _UNKNOWN = "Me", "No-Sender"
_SENDER = re.compile(rb'"sender": *"(?!No-Sender")((?:[^"\\]|\\.)*)"')
CALL = re.compile(r"(?:Incoming|Outgoing|Missed) (?:\w+ )?call(?: \(.*\))?")
SENDERS = {_UNKNOWN: "", ME: OWNER}
_MAX_QUOTABLE = 5000
_MAX_LINE = 1 << 24
_BLOCK = 1 << 16
_DECODING_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Entry(msgspec.Struct, gc=False):
    """A message as a line has it."""

    date: str
    sender: str | None
    body: str | None
    quote: str | None = None
    sticker: Any = None
    attachments: list[dict[str, Any]] | None = None
    deleted: bool | None = None
    call: bool | None = None
    missed: bool | None = None


_decoder = msgspec.json.Decoder(_Entry)


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
        kind = kind_of_chat(file, files, _SENDER)
        yield Chat(files.names[file], file.location.parent.name, kind, _messages(file, files, run))
        advance(files.size(file))


def _messages(file: LogFile, files: ExportFiles, run: RunContext) -> Iterator[Message]:
    sent, broken, number = 0, 0, 0
    quotable = RecentTexts()
    with files.open(file) as opened:
        for lines in _line_blocks(opened):
            for entry in _decode(lines):
                try:
                    message = _message(entry, number, quotable)
                except WRONG_VALUES:
                    broken += 1
                    message = damaged(number, sent)
                if message.sent < sent:
                    message.sent = sent
                sent = message.sent
                quotable.add(message.text, number)
                number += 1
                yield message
    if broken:
        run.log.warning("%s: %d lines are damaged or cut off and not used", files.names[file], broken)


def _line_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yields the lines of a file, many at once; a very long line in parts."""
    buffer = b""
    while more := file.read(max(_BLOCK, len(buffer))):
        buffer += more
        end = buffer.rfind(b"\n") + 1 or (len(buffer) if len(buffer) >= _MAX_LINE else 0)
        if end:
            yield buffer[:end]
            buffer = buffer[end:]
    if buffer:
        yield buffer


def _decode(lines: bytes) -> Iterable[_Entry | None]:
    """Decodes lines; None for a line that is damaged."""
    try:
        return _decoder.decode_lines(lines)
    except _DECODING_ERRORS:
        return [_decode_line(line) for line in lines.split(b"\n") if line.strip()]


def _decode_line(line: bytes) -> _Entry | None:
    try:
        return _decoder.decode(line)
    except _DECODING_ERRORS:
        return None


class RecentTexts:
    """The latest messages by their texts: some thousand, however long the conversation is."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._older: dict[str, int] = {}

    def add(self, text: str, id: int) -> None:
        """Adds a message, if it has text."""
        if text:
            self._texts[text] = id
            if len(self._texts) >= _MAX_QUOTABLE:
                self._older, self._texts = self._texts, {}

    def add_all(self, texts: Sequence[str], first: int) -> None:
        """Adds messages with text.

        Args:
            texts: Their texts.
            first: The id of the first message; the ids of the others follow.
        """
        if len(self._texts) + len(texts) < _MAX_QUOTABLE:
            self._texts.update(zip(texts, count(first)))
            return
        for number, text in enumerate(texts, first):
            self.add(text, number)

    def find(self, text: str) -> int | None:
        """Returns the id of the latest message with a text; None if there is none."""
        return self._texts.get(text, self._older.get(text))


def _message(entry: _Entry | None, number: int, quotable: RecentTexts) -> Message:
    """Makes a message. A quote has only the text that it quotes; the latest message with this text is replied to.

    Raises:
        Exception: One of WRONG_VALUES, if the entry is damaged.
    """
    if entry is None:
        raise ValueError("not an entry of sigexport")
    sender, text = entry.sender or "", (entry.body or "").strip()
    kind = "text" if text else "empty message"
    if entry.deleted:
        kind, text = "deleted message", ""
    elif entry.call or entry.missed or (text.endswith(("call", ")")) and CALL.fullmatch(text)):
        kind, text = "service: call", ""
    elif attachments := entry.attachments:
        kind = attachment_kind(text_of(attachments[0].get("name")) or text_of(attachments[0].get("path")))
    elif entry.sticker:
        kind = "sticker"
    return Message(
        number,
        SENDERS.get(sender, sender),
        sender or None,
        text,
        seconds(entry.date),
        quotable.find(quoted_text(entry.quote)) if entry.quote else None,
        kind,
        outgoing=sender == ME,
    )


def quoted_text(quote: str) -> str:
    """Returns the text of a quote, without the marks of Markdown."""
    return quote.strip().removeprefix(">").replace("\n> ", "\n").replace("`", "").strip()
