"""The HTML pages that signalbackup-tools writes of Signal: a folder for each conversation, with one or more pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from autocakechat import Chat, LogFile, Message
from autocakechat_messengers.content import OWNER
from autocakechat_messengers.files import ExportFiles
from autocakechat_messengers.text_blocks import (
    DATE,
    contents,
    english_time,
    messages_of_blocks,
    read_blocks,
    text_of_html,
    without_divisions,
)

_MARK = b"by signalbackup-tools"
_OTHER_PAGES = (b"<title>Signal conversation list", b"<title>Signal call log", b"<title>Signal search")
_START = re.compile(r"(?P<start>)<!-- Message: _id:\d+,type:-?\d+ -->")
_ID = re.compile(r"<!-- Message: _id:(\d{1,18}),")
_CLASSES = re.compile(r'<div class="msg msg-([^"]*)">')
_DATE = re.compile(rf'<span class="msg-data">({DATE}) (\d\d):(\d\d):(\d\d)')
_PARTNER = re.compile(r'header-avatar[^"]* msg-sender-(\d+)')
_MEMBER = re.compile(r'<div class="msg-name msg-name-(\d+)">\s*(?:<div class="membername">)?([^<]*)')
_AVATAR = re.compile(r'<div class="avatar[^"]* msg-sender-(\d+)')
_TITLE = re.compile(r"<title>([^<]*)</title>")
_QUOTE = '<div class="msg-quote">'
_QUOTED = re.compile(r'<a class="quote-link" href="[^"]*#(\d{1,18})"')
_BODY = re.compile(r'<div(?: class="(?:msg-all-emoji|status-text[^"]*)")?>\s*<pre(?: dir="auto")?>')
_BODY_END = re.compile("</pre>")
_ATTACHMENTS = (
    ("<img ", "photo"),
    ("<video ", "video"),
    ("<audio ", "audio file"),
    ('<div class="attachment', "file"),
    ('<div class="shared-contact', "contact"),
    ('<div class="poll', "poll"),
    ('<div class="viewonce', "view-once media"),
)
_NUMBERS = re.compile(r"(\d+)")


class _Header(NamedTuple):
    """What a page says about its conversation.

    Attributes:
        title: The title.
        is_group: Whether it is a group.
        partner: The id of the other person of a private chat.
    """

    title: str
    is_group: bool
    partner: str


def is_page(head: bytes) -> bool:
    """Returns whether a file is a page of a conversation, and not the list of them."""
    return _MARK in head and not any(title in head for title in _OTHER_PAGES)


def read(pages: Sequence[LogFile], files: ExportFiles, advance: Callable[[int], None]) -> Iterator[Chat]:
    """Yields the conversations that have messages.

    Args:
        pages: The pages of all conversations.
        files: All files of the export.
        advance: Called with a number of characters that were read.
    """
    folders: dict[str, list[LogFile]] = {}
    for page in pages:
        folders.setdefault(str(page.location.parent), []).append(page)
    for conversation in folders.values():
        conversation.sort(key=lambda page: _natural_name(page.location.stem))
        header = _read_header(conversation[0], files)
        if header is None:
            continue
        kind = "group" if header.is_group else "private chat"
        messages = _messages(conversation, header, files, advance)
        yield Chat(files.names[conversation[0]], header.title or None, kind, messages)


def _natural_name(name: str) -> list[int | str]:
    """Returns the sort key of a page: `Ann`, `Ann_1`, `Ann_2`, `Ann_10`."""
    return [int(part) if index % 2 else part for index, part in enumerate(_NUMBERS.split(name))]


def _read_header(page: LogFile, files: ExportFiles) -> _Header | None:
    """Returns the header of a page; None for one without messages."""
    with closing(read_blocks(page, files, _START, lambda _: None)) as blocks:
        head = next(blocks)
        if next(blocks, None) is None:
            return None
    title, partner = _TITLE.search(head), _PARTNER.search(head)
    return _Header(
        text_of_html(title[1]).strip() if title else "",
        'class="groupdetails"' in head,
        f"recipient{partner[1]}" if partner else "",
    )


def _messages(
    pages: Sequence[LogFile], header: _Header, files: ExportFiles, advance: Callable[[int], None]
) -> Iterator[Message]:
    return messages_of_blocks(_blocks(pages, files, advance), lambda block, _: _message(block, header))


def _blocks(pages: Sequence[LogFile], files: ExportFiles, advance: Callable[[int], None]) -> Iterator[str]:
    for page in pages:
        blocks = read_blocks(page, files, _START, advance)
        next(blocks)  # the head of the page
        yield from blocks


def _message(block: str, header: _Header) -> Message:
    """Makes a message.

    Raises:
        ValueError: The block is damaged.
    """
    content, _, footer = block.partition('<div class="footer')
    id_, classes, date = _ID.match(content), _CLASSES.search(content), _DATE.search(footer)
    if not id_ or not classes or not date:
        raise ValueError("not a message")
    content, quote = without_divisions(content, _QUOTE)
    quoted = _QUOTED.search(quote)
    text = text_of_html(next(contents(content, _BODY, _BODY_END), "")).strip()
    direction, _, more = classes[1].partition(" ")
    kind = _content_kind(content, more, text)
    if direction == "status":
        return Message(
            int(id_[1]),
            "",
            None,
            "",
            english_time(*date.groups()),
            kind="service: call" if text.endswith("call") else "service: notice",
        )
    outgoing = direction == "outgoing"
    sender, name = (OWNER, None) if outgoing else _sender(content, header)
    return Message(
        int(id_[1]),
        sender,
        name,
        "" if kind in ("deleted message", "poll") else text,
        english_time(*date.groups()),
        int(quoted[1]) if quoted else None,
        kind,
        outgoing=outgoing,
    )


def _sender(content: str, header: _Header) -> tuple[str, str | None]:
    """Returns the id and the name of the sender of an incoming message."""
    if not header.is_group:
        return header.partner or header.title, header.title or None
    if member := _MEMBER.search(content):
        return f"recipient{member[1]}", text_of_html(member[2]).strip() or None
    avatar = _AVATAR.search(content)
    return (f"recipient{avatar[1]}" if avatar else ""), None


def _content_kind(content: str, classes: str, text: str) -> str:
    if "deleted-msg" in classes:
        return "deleted message"
    for mark, kind in _ATTACHMENTS:
        if mark in content and '<div class="lp' not in content:  # the picture of a link is not an attachment
            return "sticker" if kind == "photo" and "no-bg-bubble" in classes else kind
    return "text" if text else "empty message"
