r"""Reads exports in the very layout of the application, at the speed of the decoder.

The application writes one space of indent per level, every value on a line of its own, and no newline inside a
string. So the lines between two messages of a chat, `  },\n  {` at a known depth, occur nowhere else, and a file can be
cut into windows of whole messages without looking at what is in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import msgspec

from autocakechat.plugins.sources.telegram import generic_parser
from autocakechat.plugins.sources.telegram.byte_buffer import HEAD, TOO_LONG, Feed, Header, Portion
from autocakechat.plugins.sources.telegram.json_repair import mend
from autocakechat.plugins.sources.telegram.raw_messages import Batch, batch_of, decode

_SINGLE_CHAT = re.compile(rb'\{\n(?P<header>(?: "(?!messages")[^\n]*[^\n\[{],\n)*) "messages": \[')
_CHAT_OF_ACCOUNT = re.compile(rb'\n   \{\n(?P<header>(?:    "(?!messages")[^\n]*[^\n\[{],\n)*)    "messages": \[')


class UnfamiliarLayoutError(Exception):
    """The file is not, or not everywhere, in the layout of the application."""


def single_chat(head: bytes) -> Header | None:
    """Returns what the file is about if, beginning like this, it is one chat in the application's layout."""
    found = _SINGLE_CHAT.match(head)
    return _header(found["header"]) if found else None


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
        feed.at += len(section) - 1
        if feed.find(b'\n  "list": [', b"\n }") == b'\n  "list": [':
            feed.at += len(b'\n  "list": [')
            yield from _chats_of_account(feed)


def owner(head: bytes) -> int | None:
    """Finds the owner's id in the head of the export of an account."""
    found = re.search(rb'\n "personal_information": \{\n  "user_id": (\d+)', head)
    return int(found[1]) if found else None


def _chats_of_account(feed: Feed) -> Iterator[Portion]:
    while True:
        while len(feed) < HEAD and feed.more():
            pass
        chat = _CHAT_OF_ACCOUNT.match(feed.data, feed.at)
        if not chat:
            break
        yield from _portion(feed, chat, indent=4)
        if feed.find(b"\n   }") is None:
            feed.left_over = feed.left_over or 0
            return
        feed.at += len(b"\n   }")
        if feed.data[feed.at : feed.at + 1] == b",":
            feed.at += 1
    rest = feed.data[feed.at :].strip()
    if rest[:1] == b"]":
        return
    if len(feed) >= HEAD or b'"messages"' in rest:
        raise UnfamiliarLayoutError
    feed.left_over = len(rest)
    feed.at = len(feed.data)


def _portion(feed: Feed, beginning: re.Match[bytes], indent: int) -> Iterator[Portion]:
    feed.at = beginning.end()
    offset = feed.offset
    read = partial(_batches, indent=indent)
    batches = read(feed)
    yield Portion(_header(beginning["header"]), batches, offset, read)
    if feed.offset == offset:
        _skip(feed, indent)
    else:
        for _ in batches:
            pass


def _header(lines: bytes) -> Header:
    """Decodes what stands before the messages, one line a key; what makes no sense is passed over."""
    header = Header()
    for line in mend(lines).splitlines():
        try:
            decoded = msgspec.json.decode(b"{" + line.rstrip(b",") + b"}", type=Header, strict=False)
        except msgspec.MsgspecError:
            continue
        for key in Header.__struct_fields__:
            if getattr(decoded, key) is not None:
                setattr(header, key, getattr(decoded, key))
    return header


def _batches(feed: Feed, indent: int) -> Iterator[Batch]:
    """Reads the messages of a chat whose key stands at this indent, window by window."""
    margin = b"\n" + b" " * indent
    close, open_ = margin + b" }", margin + b" {"
    seam, end = close + b"," + open_, close + margin + b"]"
    if _is_empty(feed, margin):
        return
    search = True
    while True:
        seam_at = feed.data.rfind(seam, feed.at)
        end_at = feed.data.find(end, feed.at) if search or seam_at < 0 else -1
        stop = end_at if end_at >= 0 else seam_at
        if stop >= 0:
            window = feed.data[feed.at : stop + len(close)]
            records = decode(window)
            if records is None and not search:
                # To look for the end of the chat takes a third of the time of decoding, so it is only done for the
                # first window and for those that cannot be decoded, as one that goes beyond the end never can.
                search = True
                continue
            yield batch_of(records, len(window), partial(_split, window, close, open_))
            if end_at >= 0:
                feed.at = end_at + len(end)
                return
            feed.at = seam_at + len(close) + 1
            search = False
        if len(feed) > TOO_LONG or not feed.more():
            # At the end of the file, or not in this layout any more.
            yield from generic_parser.messages(feed)
            return


def _split(window: bytes, close: bytes, open_: bytes) -> list[bytes]:
    """Cuts a window into its messages."""
    messages = window.split(close + b"," + open_)
    messages[1:] = [open_ + message for message in messages[1:]]
    messages[:-1] = [message + close for message in messages[:-1]]
    return messages


def _skip(feed: Feed, indent: int) -> None:
    """Goes past the messages of a chat without reading them."""
    margin = b"\n" + b" " * indent
    if not _is_empty(feed, margin):
        end = margin + b" }" + margin + b"]"
        if feed.find(end) is None:
            feed.left_over = feed.left_over or 0
        else:
            feed.at += len(end)


def _is_empty(feed: Feed, margin: bytes) -> bool:
    while len(feed) < len(margin) + 1 and feed.more():
        pass
    for end in (b"]", margin + b"]"):
        if feed.data.startswith(end, feed.at):
            feed.at += len(end)
            return True
    return False
