"""The Markdown files that sigexport writes of Signal, `chat.md` in the folder of each conversation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from autocakechat import Chat, LogFile, Message
from autocakechat_messengers.content import attachment_kind, seconds
from autocakechat_messengers.files import ExportFiles
from autocakechat_messengers.participants import kind_of_chat
from autocakechat_messengers.signal.json_lines import CALL, ME, SENDERS, RecentTexts, quoted_text
from autocakechat_messengers.text_blocks import messages_of_blocks, read_blocks

_TIME = r"\[\d{4}-\d\d-\d\d,? \d\d:\d\d(?::\d\d)?\]"
_START = re.compile(rf"^(?P<start>)(?={_TIME} [^:\n]+: )", re.MULTILINE)
_IN_BYTES = re.compile(rf"{_TIME} [^:\n]+: ".encode())
_SENDER = re.compile(rf"^{_TIME} (?!No-Sender:)([^:\n]+): ".encode(), re.MULTILINE)
_HEADER = re.compile(r"\[(\d{4}-\d\d-\d\d),? (\d\d:\d\d(?::\d\d)?)\] ([^:\n]+): ")
_QUOTE = re.compile(r"\s*((?:^>.*\n)+)\n*", re.MULTILINE)
_REACTIONS = re.compile(r"\n\(- .* -\)")
_STICKER = re.compile(r"\n\(\( .* \)\)|!?\[[^\]\n]*\]\(\.\./exported_stickers/[^)\n]*\)")
_ATTACHMENT = re.compile(r"!?\[[^\]\n]*\]\(\./(media/[^)\n]*)\)|\((?:media|attachment) not exported\)")
_DELETED = "(This message was deleted)"


def is_markdown(head: bytes) -> bool:
    """Returns whether a file is one of sigexport."""
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
        yield Chat(files.names[file], file.location.parent.name, kind, _messages(file, files, advance))


def _messages(file: LogFile, files: ExportFiles, advance: Callable[[int], None]) -> Iterator[Message]:
    blocks = filter(str.strip, read_blocks(file, files, _START, advance))
    return messages_of_blocks(blocks, partial(_message, quotable=RecentTexts()))


def _message(block: str, number: int, quotable: RecentTexts) -> Message:
    """Makes a message, and remembers its text for the quotes in later ones.

    Raises:
        ValueError: The block is not one.
    """
    header = _HEADER.match(block)
    if header is None:
        raise ValueError("no message begins here")
    date, time, sender = header.groups()
    body = block[header.end() :]
    quote = _QUOTE.match(body)
    if quote:
        body = body[quote.end() :]
    kind, text = _content(_REACTIONS.sub("", body)) if "(" in body else _plain(body)
    sent = seconds(f"{date}T{time}")
    target = quotable.find(quoted_text(quote[1])) if quote else None
    quotable.add(text, number)
    return Message(
        number,
        SENDERS.get(sender, sender),
        sender,
        text,
        sent,
        target,
        kind,
        outgoing=sender == ME,
    )


def _plain(body: str) -> tuple[str, str]:
    text = body.strip()
    if text.endswith("call") and CALL.fullmatch(text):
        return "service: call", ""
    return ("text" if text else "empty message"), text


def _content(body: str) -> tuple[str, str]:
    """Returns the kind of a message and its text."""
    if body.strip() == _DELETED:
        return "deleted message", ""
    if CALL.fullmatch(body.strip()):
        return "service: call", ""
    attachment = _ATTACHMENT.search(body)
    is_sticker = _STICKER.search(body) is not None
    text = _ATTACHMENT.sub("", _STICKER.sub("", body)).strip()
    if attachment:
        return attachment_kind(attachment[1] or ""), text
    return ("sticker" if is_sticker else "text" if text else "empty message"), text
