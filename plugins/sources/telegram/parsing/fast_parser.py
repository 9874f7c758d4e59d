r"""The fast parser, for the fixed layout that Telegram Desktop writes. It runs at the speed of the JSON decoder.

Telegram Desktop indents by one space per level, writes every value on its own line and writes no newline inside a
string. So the text between two messages of a chat, `  },\n  {` at a known indentation, occurs nowhere else, and the
file can be cut into windows of complete messages without scanning the messages. If a file deviates from the layout,
its remaining messages are read by `generic_parser`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import attrs
import msgspec

from autocakechat.plugins.sources.telegram.parsing import generic_parser
from autocakechat.plugins.sources.telegram.parsing.byte_buffer import HEAD_SIZE, MAX_VALUE_SIZE, ByteBuffer
from autocakechat.plugins.sources.telegram.parsing.json_repair import repair
from autocakechat.plugins.sources.telegram.parsing.raw_messages import ChatHeader, RawBatch, RawChat, decode, make_batch

_SINGLE_CHAT = re.compile(rb'\{\n(?P<header>(?: "(?!messages")[^\n]*[^\n\[{],\n)*) "messages": \[')
_CHAT_OF_ACCOUNT = re.compile(rb'\n   \{\n(?P<header>(?:    "(?!messages")[^\n]*[^\n\[{],\n)*)    "messages": \[')
_TYPE = b' "type": '
_OWNER_ID = re.compile(rb'\n "personal_information": \{\n  "user_id": (\d+)')
_CHAT_END = b"\n   }"
_CHAT_LIST = b'\n  "list": ['
_SECTION_END = b"\n }"


class UnknownLayoutError(Exception):
    """The file deviates from the layout of Telegram Desktop."""


@attrs.frozen
class _Layout:
    """The byte strings that delimit the messages of a chat.

    Attributes:
        margin: Line break and indentation of the key `messages`.
        opening: Before a message.
        closing: After a message.
        separator: Between two messages.
        end: After the last message.
    """

    margin: bytes
    opening: bytes
    closing: bytes
    separator: bytes
    end: bytes

    @classmethod
    def of_indentation(cls, indentation: int) -> _Layout:
        """Returns the layout of a chat whose key `messages` is indented by this many spaces."""
        margin = b"\n" + b" " * indentation
        opening, closing = margin + b" {", margin + b" }"
        return cls(margin, opening, closing, closing + b"," + opening, closing + margin + b"]")


_SINGLE_CHAT_LAYOUT = _Layout.of_indentation(1)
_CHAT_OF_ACCOUNT_LAYOUT = _Layout.of_indentation(4)


def single_chat_header(head: bytes) -> ChatHeader | None:
    """Returns the header of an export of a single chat.

    Args:
        head: The beginning of the file.

    Returns:
        The header; None if the file is the export of an account or has another layout.
    """
    match = _match_single_chat(head)
    return _parse_header(match["header"]) if match else None


def _match_single_chat(head: bytes) -> re.Match[bytes] | None:
    """Matches the header of a single chat. In other layouts, the type and the id may follow the messages."""
    match = _SINGLE_CHAT.match(head)
    return match if match and _TYPE in match["header"] else None


def has_known_layout(head: bytes) -> bool:
    """Returns whether a file that begins with these bytes has the layout of Telegram Desktop."""
    return bool(_match_single_chat(head)) or head.startswith((b'{\n "about": ', b'{\n "personal_information": {\n'))


def owner_id(head: bytes) -> int | None:
    """Returns the user id of the account's owner, if the beginning of the file contains it."""
    match = _OWNER_ID.search(head)
    return int(match[1]) if match else None


def parse_chats(buffer: ByteBuffer) -> Iterator[RawChat]:
    """Reads the chats of a file in order.

    Args:
        buffer: The file, at its beginning.

    Yields:
        Every chat.

    Raises:
        UnknownLayoutError: The file deviates from the layout between two chats.
    """
    buffer.read_chunk()
    if single_chat := _match_single_chat(buffer.data):
        yield from _parse_chat(buffer, single_chat, _SINGLE_CHAT_LAYOUT)
        return
    while section := buffer.skip_to(b'\n "chats": {\n', b'\n "left_chats": {\n'):
        buffer.position += len(section) - 1
        if buffer.skip_to(_CHAT_LIST, _SECTION_END) == _CHAT_LIST:
            buffer.position += len(_CHAT_LIST)
            yield from _parse_chat_list(buffer)


def _parse_chat_list(buffer: ByteBuffer) -> Iterator[RawChat]:
    while True:
        while buffer.unconsumed < HEAD_SIZE and buffer.read_chunk():
            pass
        chat = _CHAT_OF_ACCOUNT.match(buffer.data, buffer.position)
        if not chat:
            break
        if _TYPE not in chat["header"]:  # the type and the id may follow the messages
            raise UnknownLayoutError
        yield from _parse_chat(buffer, chat, _CHAT_OF_ACCOUNT_LAYOUT)
        if buffer.skip_to(_CHAT_END) is None:
            buffer.ignored_tail_bytes = buffer.ignored_tail_bytes or 0
            return
        buffer.position += len(_CHAT_END)
        if buffer.data.startswith(b",", buffer.position):
            buffer.position += 1
    rest = buffer.data[buffer.position :].strip()
    if rest.startswith(b"]"):
        return
    if buffer.unconsumed >= HEAD_SIZE or b'"messages"' in rest:
        raise UnknownLayoutError
    buffer.ignored_tail_bytes = len(rest)
    buffer.position = len(buffer.data)


def _parse_chat(buffer: ByteBuffer, beginning: re.Match[bytes], layout: _Layout) -> Iterator[RawChat]:
    """Yields a chat, then moves to its end, whether or not its messages were consumed."""
    buffer.position = beginning.end()
    offset = buffer.offset
    parse_messages = partial(_parse_messages, layout=layout)
    batches = parse_messages(buffer)
    yield RawChat(_parse_header(beginning["header"]), batches, offset, parse_messages)
    if buffer.offset == offset:
        _skip_messages(buffer, layout)
    else:
        for _ in batches:
            pass


def _parse_header(lines: bytes) -> ChatHeader:
    """Decodes the keys before the messages, one per line; skips lines that are not valid."""
    header = ChatHeader()
    for line in repair(lines).splitlines():
        try:
            decoded = msgspec.json.decode(b"{" + line.rstrip(b",") + b"}", type=ChatHeader, strict=False)
        except msgspec.MsgspecError:
            continue
        for key in ChatHeader.__struct_fields__:
            if getattr(decoded, key) is not None:
                setattr(header, key, getattr(decoded, key))
    return header


def _parse_messages(buffer: ByteBuffer, layout: _Layout) -> Iterator[RawBatch]:
    """Reads the messages of a chat window by window.

    A window ends at the last separator in the buffer, or at the end of the chat. Searching for the end of the chat
    takes a third of the decoding time. So it is only done for the first window and for windows that cannot be decoded:
    a window that extends beyond the end of the chat never can.
    """
    if _skip_empty_list(buffer, layout):
        return
    search_end = True
    while True:
        separator_at = buffer.data.rfind(layout.separator, buffer.position)
        end_at = buffer.data.find(layout.end, buffer.position) if search_end or separator_at < 0 else -1
        window_end = end_at if end_at >= 0 else separator_at
        if window_end >= 0:
            window = buffer.data[buffer.position : window_end + len(layout.closing)]
            messages = decode(window)
            if messages is None and not search_end:
                search_end = True
                continue
            yield make_batch(messages, len(window), partial(_split, window, layout))
            if end_at >= 0:
                buffer.position = end_at + len(layout.end)
                return
            buffer.position = separator_at + len(layout.closing) + 1  # after the comma
            search_end = False
        if buffer.unconsumed > MAX_VALUE_SIZE or not buffer.read_chunk():
            # The layout has changed, or the file is truncated.
            yield from generic_parser.parse_messages(buffer)
            return


def _split(window: bytes, layout: _Layout) -> list[bytes]:
    """Splits a window into its messages."""
    messages = window.split(layout.separator)
    messages[1:] = [layout.opening + message for message in messages[1:]]
    messages[:-1] = [message + layout.closing for message in messages[:-1]]
    return messages


def _skip_messages(buffer: ByteBuffer, layout: _Layout) -> None:
    """Moves to the end of a list of messages without decoding them."""
    if _skip_empty_list(buffer, layout):
        return
    if buffer.skip_to(layout.end) is None:
        buffer.ignored_tail_bytes = buffer.ignored_tail_bytes or 0
    else:
        buffer.position += len(layout.end)


def _skip_empty_list(buffer: ByteBuffer, layout: _Layout) -> bool:
    """Moves to the end of a list of messages if it is empty; returns whether it is."""
    while buffer.unconsumed < len(layout.margin) + 1 and buffer.read_chunk():
        pass
    for end in (b"]", layout.margin + b"]"):
        if buffer.data.startswith(end, buffer.position):
            buffer.position += len(end)
            return True
    return False
