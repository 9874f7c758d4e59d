"""The fallback parser, for exports in any other layout: minified, indented differently, keys in another order.

It scans every bracket, so it is slower than `fast_parser`. Files as Telegram Desktop writes them do not need it. A
first pass over the file indexes its chats; a second pass reads their messages.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import msgspec

from autocakechat.plugins.sources.telegram.parsing.byte_buffer import CHUNK_SIZE, ByteBuffer
from autocakechat.plugins.sources.telegram.parsing.json_repair import repair
from autocakechat.plugins.sources.telegram.parsing.json_scanner import InvalidJsonError, JsonScanner, TruncatedJsonError
from autocakechat.plugins.sources.telegram.parsing.raw_messages import ChatHeader, RawBatch, RawChat, decode, make_batch

_ACCOUNT_SECTIONS = ("personal_information", "contacts", "frequent_contacts", "sessions", "chats", "left_chats")


@attrs.define
class FileIndex:
    """Where the chats of a file are.

    Attributes:
        chats: For each chat its header and the file offset of its first message.
        owner_id: User id of the account's owner, if the file contains it.
        ignored_tail_bytes: Number of unusable bytes at the end of a truncated file; None if the file is complete.
        is_account: Whether the file has the sections of the export of an account.
        end: File offset after the export; None for a truncated file.
        has_list: Whether the file contains a list of chats or of messages; without one it is not an export.
    """

    chats: list[tuple[ChatHeader, int]] = attrs.Factory(list)
    owner_id: int | None = None
    ignored_tail_bytes: int | None = None
    end: int | None = None
    has_list: bool = False
    is_account: bool = False


def index_file(buffer: ByteBuffer) -> FileIndex:
    """Scans a whole file for its chats.

    Args:
        buffer: The file, at its beginning.

    Returns:
        The index. For a truncated file it covers everything before the truncation.

    Raises:
        InvalidJsonError: The file is not JSON.
    """
    index = FileIndex()
    scanner = JsonScanner(buffer)
    try:
        _index_top_level(scanner, index)
    except TruncatedJsonError:
        index.ignored_tail_bytes = buffer.size - scanner.complete_until
    else:
        index.end = scanner.offset
    return index


def parse_chats(buffer: ByteBuffer, index: FileIndex) -> Iterator[RawChat]:
    """Yields the chats of an indexed file."""
    for header, offset in index.chats:
        buffer.seek(offset)
        yield RawChat(header, parse_messages(buffer), offset, parse_messages)


def parse_messages(buffer: ByteBuffer) -> Iterator[RawBatch]:
    """Reads the messages of a chat. At invalid or truncated JSON, the rest of the file is ignored.

    Args:
        buffer: A file, positioned in a list of messages: before a message or at the end of the list.

    Yields:
        All complete messages, in batches.
    """
    scanner = JsonScanner(buffer)
    encoded: list[bytes] = []
    size = 0
    try:
        for message in scanner.array_values():
            encoded.append(message)
            scanner.complete_until = scanner.offset
            size += len(message)
            if size >= CHUNK_SIZE:
                yield _make_batch(encoded)
                encoded, size = [], 0
    except (TruncatedJsonError, InvalidJsonError):  # `array_values` has yielded all messages before the error
        buffer.ignored_tail_bytes = buffer.size - scanner.complete_until
        buffer.seek(buffer.size)
    else:
        buffer.seek(scanner.offset)
    yield _make_batch(encoded)


def _make_batch(encoded: list[bytes]) -> RawBatch:
    """Decodes messages all at once; their encoded bytes are kept for those that need all of their fields."""
    joined = b",".join(encoded)
    return make_batch(decode(joined), len(joined), lambda: encoded)


def _index_top_level(scanner: JsonScanner, index: FileIndex) -> None:
    """Indexes the export of an account, or of a single chat, whose keys are on the top level."""
    chat = ChatHeader()
    if scanner.peek() != b"{":
        raise InvalidJsonError(scanner.offset)
    scanner.advance()
    for key in scanner.object_keys():
        index.is_account = index.is_account or key in _ACCOUNT_SECTIONS
        if key == "personal_information":
            index.owner_id = _user_id(scanner.read_value())
        elif key in ("chats", "left_chats"):
            index.has_list = True
            _index_chats(scanner, index)
        else:
            _index_chat_key(scanner, key, chat, index)


def _index_chats(scanner: JsonScanner, index: FileIndex) -> None:
    """Indexes the value of `chats`: an object with a `list`, or the list itself."""
    opening = scanner.peek()
    if opening == b"[":
        _index_chat_list(scanner, index)
    elif opening == b"{":
        scanner.advance()
        for key in scanner.object_keys():
            if key == "list" and scanner.peek() == b"[":
                _index_chat_list(scanner, index)
            else:
                scanner.skip_value()
    else:
        scanner.skip_value()


def _index_chat_list(scanner: JsonScanner, index: FileIndex) -> None:
    scanner.advance()
    for _ in scanner.array_elements():
        if scanner.peek() != b"{":
            scanner.skip_value()
            continue
        scanner.advance()
        chat = ChatHeader()
        for key in scanner.object_keys():
            _index_chat_key(scanner, key, chat, index)


def _index_chat_key(scanner: JsonScanner, key: str, chat: ChatHeader, index: FileIndex) -> None:
    """Indexes one key of a chat and its value: a list of messages, a field of the header, or neither."""
    if key == "messages" and scanner.peek() == b"[":
        index.has_list = True
        scanner.advance()
        index.chats.append((chat, scanner.offset))
        for _ in scanner.array_values():
            scanner.complete_until = scanner.offset
    elif key in ("name", "type", "id"):
        _set_header_field(chat, key, scanner.read_value())
    else:
        scanner.skip_value()


def _set_header_field(chat: ChatHeader, key: str, encoded: bytes) -> None:
    """Decodes a value into a field of a header. A value of another type is ignored, so the field stays None."""
    document = b'{"%s":%s}' % (key.encode(), repair(encoded))
    try:
        decoded = msgspec.json.decode(document, type=ChatHeader)
    except msgspec.MsgspecError:
        return
    setattr(chat, key, getattr(decoded, key))


def _user_id(personal_information: bytes) -> int | None:
    try:
        values = msgspec.json.decode(repair(personal_information))
    except msgspec.MsgspecError:
        return None
    user_id = values.get("user_id") if isinstance(values, dict) else None
    return user_id if isinstance(user_id, int) else None
