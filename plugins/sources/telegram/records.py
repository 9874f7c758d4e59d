"""Decodes messages as they stand in the file."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from autocakechat import Message
from autocakechat.plugins.sources.telegram.mending import mend


class Part(msgspec.Struct, gc=False):
    """A formatted part of a text."""

    text: str = ""


Text = str | list[str | Part]

_NAMES = {
    "sender": "from_id",
    "sender_name": "from",
    "sent": "date_unixtime",
    "reply_to": "reply_to_message_id",
    "kind": "media_type",
}


# A message is decoded right into the object that is handed on: making another one costs as much as decoding it.
# UNSET tells "not there" from null, which the application writes for the name of a deleted account.
class Record(Message, kw_only=True, gc=False, rename=_NAMES):
    """A message with all that decides what it is."""

    id: int = 0
    sender: str | int | None = None  # type: ignore[assignment]
    sender_name: str | None = None
    text: Text | None = None  # type: ignore[assignment]
    sent: int = -1
    reply_to: int | None = None
    kind: str = "text"
    type: str = ""
    date: str = ""
    photo: Any = UNSET
    file: Any = UNSET
    sticker_emoji: str | None = None
    forwarded_from: Any = UNSET
    forwarded_from_id: Any = UNSET
    via_bot: Any = UNSET
    reply_to_peer_id: Any = UNSET
    contact_information: Any = UNSET
    location_information: Any = UNSET
    poll: Any = UNSET
    game_title: Any = UNSET
    invoice_information: Any = UNSET
    todo_list: Any = UNSET
    giveaway_information: Any = UNSET
    giveaway_results: Any = UNSET
    action: Any = UNSET
    actor: str | None = None
    actor_id: str | int | None = None


class Window(NamedTuple):
    """Some whole messages, one after the other in the file.

    Attributes:
        text: Their JSON with commas between them.
        seam: What stands between two of them, from the first one's end to the second one's beginning; None if there
            is only one.
    """

    text: bytes
    seam: bytes | None = None

    def split(self) -> list[bytes]:
        """Returns the JSON of each message."""
        if self.seam is None:
            return [self.text]
        messages = self.text.split(self.seam)
        close, open_ = self.seam.split(b",")
        first, last = 0, len(messages) - 1
        return [
            (open_ if number > first else b"") + message + (close if number < last else b"")
            for number, message in enumerate(messages)
        ]


_decoder = msgspec.json.Decoder(list[Record], strict=False)
_text_of = attrgetter("text")
_FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(window: Window) -> list[Record]:
    """Decodes the messages of a window, all at once where possible.

    Args:
        window: The messages.

    Returns:
        One record for each message; of a message that cannot be read, one of the type `damaged`.
    """
    try:
        records = _decoder.decode(b"[" + window.text + b"]")
    except _FAILURES:
        pass
    else:
        if None not in map(_text_of, records):
            return records
    return [record for message in window.split() for record in _decode_carefully(message)]


def _decode_carefully(message: bytes) -> list[Record]:
    """Decodes one message by itself, mending it and passing over values of a strange kind."""
    for candidate in (message, mended := mend(message)):
        try:
            records = _decoder.decode(b"[" + candidate + b"]")
        except _FAILURES:
            continue
        if None not in map(_text_of, records):
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
