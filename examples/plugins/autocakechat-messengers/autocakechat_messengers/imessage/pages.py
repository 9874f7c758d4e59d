"""The HTML files that imessage-exporter writes, one for each chat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from autocakechat import Chat, LogFile, Message
from autocakechat_messengers.content import OWNER
from autocakechat_messengers.files import ExportFiles
from autocakechat_messengers.imessage.plain_text import ME
from autocakechat_messengers.imessage.replies import PendingReplies
from autocakechat_messengers.participants import kind_of_chat
from autocakechat_messengers.text_blocks import (
    DATE,
    contents,
    english_time,
    messages_of_blocks,
    read_blocks,
    text_of_html,
    without_divisions,
)

_MARK = re.compile(rb'span(?:\.| class=")(timestamp|sender|bubble)')
# A message that is repeated as a reply, below another one, is not the beginning of a block. All alternatives begin with
# the same characters, which makes the search quick.
_START = re.compile(
    r'<div class(?:="reply"[^<>]*>\s*<div class="message"'
    r'|(?P<start>(?<=\n<div class)(?:="message"| ?="announcement">)))'
)
# A message with one text, and nothing else.
_PLAIN = re.compile(
    r'<div class="message">\s*<div class="(?:(?P<sent>sent)[^"]*|received)">\s*<p>\s*'
    rf'<span class="timestamp">\s*(?:<a [^<>]*>)?({DATE}) +(\d+):(\d\d):(\d\d) ([AP])M(?:</a>)?[^<"]*</span>\s*'
    r'<span class="sender">(?P<name>[^<"]*)</span>\s*</p>\s*(?:<hr>\s*)?'
    r'<div class="message_part">\s*<span class="bubble">(?P<text>[^<"]*)</span>\s*</div>\s*</div>\s*</div>\s*'
)
_DATE = re.compile(rf'<span class="timestamp">\s*(?:<a [^>]*>)?({DATE}) +(\d+):(\d\d):(\d\d) ([AP])M')
_SENDER = re.compile(r'<span class="sender">([^<]*)</span>')
_SENDER_IN_BYTES = re.compile(rb'<span class="sender">([^<]*)</span>')
_REPLY_ID = re.compile(r'<div class="message",? id="r-([^"]+)"')
_REPLIES = '<div class="replies">'
_REPEATED = re.compile(r'<div class="reply" id="([^"]+)">|href="#r-([^"]+)"')
_BUBBLE = re.compile(r'<span class="bubble[^"]*">')
_BUBBLE_END = re.compile(r"</span>\s*</div>")
_EDITED = re.compile(r'<div class="edited">')
_EDITED_END = re.compile("</table>")
_CELL = re.compile("<td>")
_CELL_END = re.compile("</td>")
_LINK = re.compile(r'<div class="app">\s*<a href="(https?://[^"]*)"')
_ATTACHMENTS = (
    (re.compile(r'<div class="sticker">|<img class="inline_sticker"'), "sticker"),
    (re.compile(r'<div class="attachment">\s*<img|<div class="message_part">\s*<img'), "photo"),
    (re.compile(r"<video "), "video"),
    (re.compile(r"<audio "), "audio file"),
    (re.compile(r'<div class="attachment">|class="attachment_error"'), "file"),
    (re.compile(r'<div class="app">|class="app_error"'), "app message"),
)
_UNSENT = re.compile(r'class="deleted"|class="unsent"|(?:deleted a|unsent (?:a|this)) message')


def is_page(head: bytes) -> bool:
    """Returns whether a file is one of imessage-exporter: HTML that names the parts of its messages in its styles."""
    return head.startswith(b"<html>") and len(set(_MARK.findall(head))) > 1


def read(chats: Sequence[LogFile], files: ExportFiles, advance: Callable[[int], None]) -> Iterator[Chat]:
    """Yields the chats.

    Args:
        chats: A file for each.
        files: All files of the export.
        advance: Called with a number of characters that were read.
    """
    for file in chats:
        kind = kind_of_chat(file, files, _SENDER_IN_BYTES)
        yield Chat(files.names[file], file.location.stem, kind, _messages(file, files, advance))


def _messages(file: LogFile, files: ExportFiles, advance: Callable[[int], None]) -> Iterator[Message]:
    blocks = read_blocks(file, files, _START, advance)
    next(blocks)  # the head of the page
    yield from messages_of_blocks(blocks, partial(_message, pending=PendingReplies()))


def _message(block: str, number: int, pending: PendingReplies) -> Message:
    """Makes a message.

    Raises:
        ValueError: The block is damaged.
    """
    if plain := _plain_message(block, number):
        return plain
    date = _DATE.search(block)
    if date is None:
        raise ValueError("no time")
    sent = english_time(*date.groups())
    if block.startswith(('<div class="announcement', '<div class ="announcement')):
        kind = "deleted message" if _UNSENT.search(block) else "service: change of the group"
        return Message(number, "", None, "", sent, kind=kind)
    block = _without_replies(block, number, pending)
    name = _SENDER.search(block)
    if name is None:
        raise ValueError("no sender")
    sender = text_of_html(name[1]).strip()
    reply = _REPLY_ID.match(block)
    kind, text = _content(block)
    outgoing = sender == ME or '<div class="sent' in block
    return Message(
        number,
        OWNER if outgoing else sender,
        sender or None,
        text,
        sent,
        pending.take(reply[1]) if reply else None,
        kind,
        outgoing=outgoing,
    )


def _plain_message(block: str, number: int) -> Message | None:
    """Makes a message with one text; returns None if the message may have more."""
    parts = _PLAIN.fullmatch(block)
    text = text_of_html(parts["text"]).strip() if parts else ""
    if parts is None or not text:
        return None
    name = text_of_html(parts["name"]).strip()
    outgoing = name == ME or parts["sent"] is not None
    sent = english_time(*parts.groups()[1:6])
    return Message(number, OWNER if outgoing else name, name or None, text, sent, outgoing=outgoing)


def _without_replies(block: str, number: int, pending: PendingReplies) -> str:
    """Cuts the repeated replies out of a message, and remembers them."""
    block, replies = without_divisions(block, _REPLIES)
    pending.add((first or second for first, second in _REPEATED.findall(replies)), number)
    return block


def _content(block: str) -> tuple[str, str]:
    """Returns the kind of a message and its text."""
    texts = [text_of_html(bubble).strip() for bubble in contents(block, _BUBBLE, _BUBBLE_END)]
    for edits in contents(block, _EDITED, _EDITED_END):
        versions = list(contents(edits, _CELL, _CELL_END))
        texts = [text_of_html(version).strip() for version in versions[-1:]] or texts
    text = "\n".join(filter(None, texts))
    no_attachment = "text" if text else "empty message"
    kind = next((kind for mark, kind in _ATTACHMENTS if mark.search(block)), no_attachment)
    if kind == "app message" and (link := _LINK.search(block)):
        return "text", text_of_html(link[1])
    if kind == "empty message" and _UNSENT.search(block):
        return "deleted message", ""
    return kind, text
