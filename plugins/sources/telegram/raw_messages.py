"""Decodes messages as they stand in the file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from autocakechat.plugins.sources.telegram.json_repair import mend


class Part(msgspec.Struct, gc=False):
    """A formatted part of a text."""

    text: str = ""


Text = str | list[str | Part]
Number = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]  # to the end of the year 9999

_NAMES = {
    "sender": "from_id",
    "sender_name": "from",
    "sent": "date_unixtime",
    "reply_to": "reply_to_message_id",
    "kind": "media_type",
}


# The fewer the attributes, the faster: every one takes time even where the file has no value for it. They stand in the
# order of the file, where the decoder finds them in half the time.
# UNSET tells "not there" from null, which the application writes for the name of a deleted account.
class Record(msgspec.Struct, kw_only=True, gc=False, rename=_NAMES):
    """A message with all that decides whether it is somebody's own text and nothing else."""

    id: Number = 0
    type: str = ""
    sent: Moment = 0
    sender_name: str | None = None
    sender: str | Number | None = None
    reply_to: Number | None = None
    text: Text
    kind: str = "text"
    photo: Any = UNSET
    file: Any = UNSET
    forwarded_from: Any = UNSET
    forwarded_from_id: Any = UNSET
    via_bot: Any = UNSET
    reply_to_peer_id: Any = UNSET


class DetailedRecord(Record, kw_only=True, gc=False, rename=_NAMES):
    """A message with all that decides what it is."""

    date: str = ""
    actor: str | None = None
    actor_id: str | Number | None = None
    action: Any = UNSET
    sticker_emoji: str | None = None
    contact_information: Any = UNSET
    location_information: Any = UNSET
    poll: Any = UNSET
    game_title: Any = UNSET
    invoice_information: Any = UNSET
    todo_list: Any = UNSET
    giveaway_information: Any = UNSET
    giveaway_results: Any = UNSET


class Batch:
    """Some messages, decoded.

    Args:
        records: The messages, in order; one of the type `damaged` for each that could not be read.
        size: How many bytes they take in the file.
        split: Returns the bytes of every message; only asked for if not all was decoded in detail.

    Attributes:
        records: The messages.
        size: How many bytes they take.
    """

    def __init__(self, records: Sequence[Record], size: int, split: Callable[[], Sequence[bytes]]) -> None:
        self.records = records
        self.size = size
        self._split = split

    def detailed(self, place: int) -> DetailedRecord:
        """Returns all that is known of a message."""
        record = self.records[place]
        if isinstance(record, DetailedRecord):
            return record
        if len(self._messages) == len(self.records):
            return decode_carefully(self._messages[place])[0]
        return decode_carefully(b",".join(self._messages))[place]

    @cached_property
    def _messages(self) -> Sequence[bytes]:
        return self._split()


_decoder = msgspec.json.Decoder(list[Record], strict=False)
_detailed_decoder = msgspec.json.Decoder(list[DetailedRecord], strict=False)
_FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(messages: bytes) -> list[Record] | None:
    """Decodes messages all at once.

    Args:
        messages: Whole messages with commas between them.

    Returns:
        Their records, or None if they have to be decoded carefully.
    """
    try:
        return _decoder.decode(b"[" + messages + b"]")
    except _FAILURES:
        return None


def decode_carefully(message: bytes) -> list[DetailedRecord]:
    """Decodes one message by itself, mending it and passing over values of a strange kind.

    Args:
        message: A message, or what stands in its place.

    Returns:
        Its record; several if there are several messages after all.
    """
    mended = mend(message)
    for form in (message, mended):
        with contextlib.suppress(*_FAILURES):
            if records := _detailed_decoder.decode(b"[" + form + b"]"):
                return records
    try:
        values = json.loads(b"[" + mended + b"]", strict=False)
    except (ValueError, RecursionError):
        values = [None]
    return [_coerced(each) if isinstance(each, dict) else DetailedRecord(type="damaged", text="") for each in values]


def batch_of(records: Sequence[Record] | None, size: int, split: Callable[[], Sequence[bytes]]) -> Batch:
    """Makes a batch of messages that were decoded all at once; if they could not be, of one after the other.

    So a broken message harms no other.

    Args:
        records: What `decode` returned.
        size: How many bytes the messages take.
        split: Returns the bytes of every message.
    """
    if records is None:
        records = [record for message in split() for record in decode_carefully(message)]
    return Batch(records, size, split)


def _coerced(values: dict[str, Any]) -> DetailedRecord:
    """Makes a record of whatever fits."""
    record = DetailedRecord(text="")
    values.setdefault("text", values.get("text_entities", ""))
    for field in msgspec.structs.fields(DetailedRecord):
        if field.encode_name in values:
            try:
                value = msgspec.convert(values[field.encode_name], field.type, strict=False)
            except (msgspec.MsgspecError, ValueError, OverflowError):
                continue
            setattr(record, field.name, value)
    return record
