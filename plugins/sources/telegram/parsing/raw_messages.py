"""The records of an export, and how JSON is decoded into them.

Decoding has two paths. The fast path decodes a whole batch with the few fields that identify plain text messages. The
lenient path decodes one message with all its fields, repairs known faults and skips values of an unexpected type; it is
used for messages that are not plain text, and for every message of a batch that the fast path rejects.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET

from autocakechat.plugins.sources.telegram.parsing.json_repair import repair

if TYPE_CHECKING:
    from autocakechat.plugins.sources.telegram.parsing.byte_buffer import ByteBuffer

BoundedInt = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
UnixTime = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]  # up to the end of the year 9999


class ChatHeader(msgspec.Struct):
    """The keys of a chat that precede its messages."""

    name: str | None = None
    type: str | None = None
    id: BoundedInt | None = None


class TextPart(msgspec.Struct, gc=False):
    """A formatted part of a text, such as a link."""

    text: str = ""


Text = str | list[str | TextPart]

_JSON_KEYS = {
    "sender": "from_id",
    "sender_name": "from",
    "sent": "date_unixtime",
    "reply_to": "reply_to_message_id",
    "kind": "media_type",
}


# Every field costs decoding time, even where the file has no value for it, so only the necessary ones are declared. The
# order is that of the export: the decoder finds the next key twice as fast if it is the next field.
# UNSET distinguishes an absent key from null, which the exporter writes for the name of a deleted account.
class RawMessage(msgspec.Struct, kw_only=True, gc=False, rename=_JSON_KEYS):
    """The fields of a message that show whether it is plain text, written by its sender."""

    id: BoundedInt = 0
    type: str = ""
    sent: UnixTime = 0
    sender_name: str | None = None
    sender: str | BoundedInt | None = None
    reply_to: BoundedInt | None = None
    text: Text | None = None
    rich_message: Any = UNSET
    kind: str = "text"
    photo: Any = UNSET
    file: Any = UNSET
    forwarded_from: Any = UNSET
    forwarded_from_id: Any = UNSET
    via_bot: Any = UNSET
    reply_to_peer_id: Any = UNSET


class DetailedRawMessage(RawMessage, kw_only=True, gc=False, rename=_JSON_KEYS):
    """A message with all fields needed to classify it."""

    date: str = ""
    text_entities: Text = ""
    actor: str | None = None
    actor_id: str | BoundedInt | None = None
    action: Any = UNSET
    title: Any = UNSET
    new_title: Any = UNSET
    sticker_emoji: str | None = None
    contact_information: Any = UNSET
    location_information: Any = UNSET
    poll: Any = UNSET
    game_title: Any = UNSET
    invoice_information: Any = UNSET
    todo_list: Any = UNSET
    giveaway_information: Any = UNSET
    giveaway_results: Any = UNSET


class RawBatch:
    """Consecutive messages of a chat, decoded.

    Args:
        messages: The messages in order. A message that cannot be decoded has the type `damaged`.
        size: Size of the batch in the file, in bytes.
        split: Splits the batch into the bytes of each message. Called only to decode a message in detail.

    Attributes:
        messages: The messages.
        size: Size in bytes.
    """

    def __init__(self, messages: Sequence[RawMessage], size: int, split: Callable[[], Sequence[bytes]]) -> None:
        self.messages = messages
        self.size = size
        self._split = split

    def detailed(self, index: int) -> DetailedRawMessage:
        """Returns a message with all its fields."""
        message = self.messages[index]
        if isinstance(message, DetailedRawMessage):
            return message
        if len(self._encoded) == len(self.messages):
            return decode_leniently(self._encoded[index])[0]
        return self._all_detailed[index]

    def fields(self, index: int) -> dict[str, Any]:
        """Returns all fields of a message, in any version of the format; none if it cannot be decoded."""
        single = len(self._encoded) == len(self.messages)
        encoded = self._encoded[index] if single else b",".join(self._encoded)
        try:
            values = json.loads(b"[" + repair(encoded) + b"]", strict=False)[0 if single else index]
        except (ValueError, RecursionError, IndexError):
            return {}
        return values if isinstance(values, dict) else {}

    @cached_property
    def _encoded(self) -> Sequence[bytes]:
        return self._split()

    @cached_property
    def _all_detailed(self) -> list[DetailedRawMessage]:
        """All messages, for batches that cannot be split: the separator is inside of messages, or is another one."""
        return decode_leniently(b",".join(self._encoded))


class RawChat(NamedTuple):
    """A chat in an export.

    Attributes:
        header: Its name, type and id.
        batches: Its messages. Consume them before reading the next chat.
        offset: File offset of its first message.
        read_again: Reads the messages once more, from another buffer that is positioned at `offset`.
    """

    header: ChatHeader
    batches: Iterator[RawBatch]
    offset: int
    read_again: Callable[[ByteBuffer], Iterator[RawBatch]]


_decoder = msgspec.json.Decoder(list[RawMessage], strict=False)
_detailed_decoder = msgspec.json.Decoder(list[DetailedRawMessage], strict=False)
_DECODING_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(encoded: bytes) -> list[RawMessage] | None:
    """Decodes a batch of messages (fast path).

    Args:
        encoded: Complete messages, separated by commas.

    Returns:
        The messages, or None if at least one of them needs the lenient path.
    """
    try:
        return _decoder.decode(b"[" + encoded + b"]")
    except _DECODING_ERRORS:
        return None


def decode_leniently(encoded: bytes) -> list[DetailedRawMessage]:
    """Decodes a message (lenient path): repairs known faults and skips values of an unexpected type.

    Args:
        encoded: The bytes of one message, or whatever was found in its place.

    Returns:
        One message; several if the bytes contain several.
    """
    repaired = repair(encoded)
    for candidate in (encoded, repaired):
        with contextlib.suppress(*_DECODING_ERRORS):
            if messages := _detailed_decoder.decode(b"[" + candidate + b"]"):
                return messages
    try:
        values = json.loads(b"[" + repaired + b"]", strict=False)
    except (ValueError, RecursionError):
        values = [None]
    return [
        _convert_valid_fields(value) if isinstance(value, dict) else DetailedRawMessage(type="damaged", text="")
        for value in values
    ]


def make_batch(messages: Sequence[RawMessage] | None, size: int, split: Callable[[], Sequence[bytes]]) -> RawBatch:
    """Makes a batch. If the fast path failed, decodes each message by itself, so a broken one affects no other.

    Args:
        messages: What `decode` returned.
        size: Size of the batch in the file, in bytes.
        split: Splits the batch into the bytes of each message.
    """
    if messages is None:
        messages = [message for encoded in split() for message in decode_leniently(encoded)]
    return RawBatch(messages, size, split)


def _convert_valid_fields(values: dict[str, Any]) -> DetailedRawMessage:
    """Makes a message of all values that have the expected type."""
    message = DetailedRawMessage()
    for field in msgspec.structs.fields(DetailedRawMessage):
        if field.encode_name in values:
            try:
                value = msgspec.convert(values[field.encode_name], field.type, strict=False)
            except (msgspec.MsgspecError, ValueError, OverflowError):
                continue
            setattr(message, field.name, value)
    return message
