r"""Reads exports in the very layout of the application, at the speed of the decoder.

The application writes one space of indent per level, every value on a line of its own, and no newline inside a
string. So the lines between two messages of a chat, `  },\n  {` at a known depth, occur nowhere else, and a file can be
cut into windows of whole messages without looking at what is in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from autocakechat.plugins.sources.telegram import walking
from autocakechat.plugins.sources.telegram.feed import TOO_LONG, Feed, Header, Portion
from autocakechat.plugins.sources.telegram.mending import mend
from autocakechat.plugins.sources.telegram.records import Window

_SINGLE_CHAT = re.compile(rb'\{\n(?P<header>(?: "(?!messages")[^\n]*[^\n\[{],\n)*) "messages": \[')
_CHAT_OF_ACCOUNT = re.compile(rb'\n   \{\n(?P<header>(?:    "(?!messages")[^\n]*[^\n\[{],\n)*)    "messages": \[')
_HEAD = 1 << 16


class UnfamiliarLayoutError(Exception):
    """The file is not, or not everywhere, in the layout of the application."""


def is_familiar(head: bytes) -> bool:
    """Tells whether a file that begins like this is in the application's layout."""
    return bool(_SINGLE_CHAT.match(head)) or head.startswith((b'{\n "about": ', b'{\n "personal_information": {\n'))


def portions(feed: Feed) -> Iterator[Portion]:
    """Reads the chats of a file one after the other.

    Args:
        feed: The file, at its beginning.

    Yields:
        Every chat.

    Raises:
        UnfamiliarLayoutError: The file goes on in another layout.
    """
    feed.more()
    if single := _SINGLE_CHAT.match(feed.data):
        yield from _portion(feed, single, indent=1)
        return
    while section := feed.find(b'\n "chats": {\n', b'\n "left_chats": {\n'):
        feed.drop(len(section) - 1)
        if feed.find(b'\n  "list": [', b"\n }") == b'\n  "list": [':
            feed.drop(len(b'\n  "list": ['))
            yield from _chats_of_account(feed)


def owner(head: bytes) -> int | None:
    """Finds the owner's id in the head of the export of an account."""
    found = re.search(rb'\n "personal_information": \{\n  "user_id": (\d+)', head)
    return int(found[1]) if found else None


def _chats_of_account(feed: Feed) -> Iterator[Portion]:
    while True:
        while len(feed.data) < _HEAD and feed.more():
            pass
        chat = _CHAT_OF_ACCOUNT.match(feed.data)
        if not chat:
            break
        yield from _portion(feed, chat, indent=4)
        if feed.find(b"\n   }") is None:
            feed.left_over = feed.left_over or 0
            return
        feed.drop(len(b"\n   }"))
        if feed.data[:1] == b",":
            feed.drop(1)
    rest = feed.data.strip()
    if rest[:1] == b"]":
        return
    if len(feed.data) >= _HEAD or b'"messages"' in rest:
        raise UnfamiliarLayoutError
    feed.left_over = len(rest)
    feed.drop(len(feed.data))


def _portion(feed: Feed, beginning: re.Match[bytes], indent: int) -> Iterator[Portion]:
    feed.drop(beginning.end())
    offset = feed.offset
    windows = _windows(feed, indent)
    yield Portion(_header(beginning["header"]), windows, offset)
    for _ in windows:
        pass


def _header(lines: bytes) -> Header:
    for candidate in (lines, mend(lines)):
        try:
            return msgspec.json.decode(b"{" + candidate.rstrip(b",\n") + b"}", type=Header)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    raise UnfamiliarLayoutError


def _windows(feed: Feed, indent: int) -> Iterator[Window]:
    """Cuts the messages of a chat, whose key stands at this indent, into windows."""
    margin = b"\n" + b" " * indent
    close, open_ = margin + b" }", margin + b" {"
    seam, end = close + b"," + open_, close + margin + b"]"
    if _is_empty(feed, margin):
        return
    while True:
        found = feed.data.find(end)
        if found >= 0:
            yield Window(feed.data[: found + len(close)], seam)
            feed.drop(found + len(end))
            return
        cut = feed.data.rfind(seam)
        if cut >= 0:
            yield Window(feed.data[: cut + len(close)], seam)
            feed.drop(cut + len(close) + 1)
        if len(feed.data) > TOO_LONG or not feed.more():
            # Cut off, or not in this layout any more.
            yield from walking.messages(feed)
            return


def _is_empty(feed: Feed, margin: bytes) -> bool:
    while len(feed.data) < len(margin) + 1 and feed.more():
        pass
    for end in (b"]", margin + b"]"):
        if feed.data.startswith(end):
            feed.drop(len(end))
            return True
    return False
