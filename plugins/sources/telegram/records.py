"""Decodes messages as they stand in the file."""

from __future__ import annotations

import json
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET

from autocakechat import Message
from autocakechat.plugins.sources.telegram.mending import mend


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
    # Not for the file to say: no key of the application begins with a blank.
    "own_words": " own_words",
    "outgoing": " outgoing",
    "position": " position",
}


# A message is decoded right into the object that is handed on: making another one costs as much as decoding it. The
# fields of a text stand first, in the order of the file, where the decoder finds them in half the time.
# UNSET tells "not there" from null, which the application writes for the name of a deleted account.
class Record(Message, kw_only=True, gc=False, rename=_NAMES):
    """A message with all that decides what it is."""

    id: Number = 0
    type: str = ""
    date: str = ""
    sent: Moment = 0
    sender_name: str | None = None
    sender: str | Number | None = None  # type: ignore[assignment]
    reply_to: Number | None = None
    text: Text | None = None  # type: ignore[assignment]
    actor: str | None = None
    actor_id: str | Number | None = None
    action: Any = UNSET
    forwarded_from: Any = UNSET
    forwarded_from_id: Any = UNSET
    reply_to_peer_id: Any = UNSET
    via_bot: Any = UNSET
    photo: Any = UNSET
    file: Any = UNSET
    kind: str = "text"
    sticker_emoji: str | None = None
    contact_information: Any = UNSET
    location_information: Any = UNSET
    poll: Any = UNSET
    game_title: Any = UNSET
    invoice_information: Any = UNSET
    todo_list: Any = UNSET
    giveaway_information: Any = UNSET
    giveaway_results: Any = UNSET
    own_words: bool = True
    outgoing: bool | None = None
    position: int = -1


class Batch(NamedTuple):
    """Some messages, decoded.

    Attributes:
        records: The messages, in order; one of the type `damaged` for each that could not be read.
        size: How many bytes they take in the file.
    """

    records: list[Record]
    size: int


_decoder = msgspec.json.Decoder(list[Record], strict=False)
_FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(messages: bytes) -> list[Record] | None:
    """Decodes messages all at once.

    Args:
        messages: Whole messages with commas between them.

    Returns:
        Their records, or None if they have to be decoded carefully.
    """
    try:
        records = _decoder.decode(b"[" + messages + b"]")
    except _FAILURES:
        return None
    return None if None in [record.text for record in records] else records


def decode_carefully(message: bytes) -> list[Record]:
    """Decodes one message by itself, mending it and passing over values of a strange kind.

    Args:
        message: A message, or what stands in its place.

    Returns:
        Its record; several if there are several messages after all.
    """
    mended = mend(message)
    records = decode(message) or decode(mended)
    if records is not None:
        return records
    try:
        values = json.loads(b"[" + mended + b"]", strict=False)
    except (ValueError, RecursionError):
        values = [None]
    return [_coerced(each) if isinstance(each, dict) else Record(type="damaged", text="") for each in values]


def _coerced(values: dict[str, Any]) -> Record:
    """Makes a record of whatever fits."""
    record = Record()
    values.setdefault("text", values.get("text_entities", ""))
    for field in msgspec.structs.fields(Record):
        if field.encode_name in values:
            try:
                value = msgspec.convert(values[field.encode_name], field.type, strict=False)
            except (msgspec.MsgspecError, ValueError, OverflowError):
                continue
            setattr(record, field.name, value)
    if record.text is None:
        record.text = ""
    return record
