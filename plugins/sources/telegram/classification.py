"""What a message is: text, a kind of media, or something that happened in the chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec import UNSET

from autocakechat.plugins.sources.telegram.raw_messages import DetailedRecord, Part, Record

_MEDIA = {
    "sticker": "sticker",
    "voice_message": "voice message",
    "video_message": "video message",
    "animation": "animation",
    "video_file": "video",
    "audio_file": "audio",
}

_WITHOUT_TEXT = (
    ("poll", "poll"),
    ("contact_information", "contact"),
    ("location_information", "location"),
    ("game_title", "game"),
    ("invoice_information", "invoice"),
    ("todo_list", "to-do list"),
    ("giveaway_information", "giveaway"),
    ("giveaway_results", "giveaway"),
)


class Settled(NamedTuple):
    """What a message is after all; named as the attributes of `Message`."""

    sender: str | int | None
    sender_name: str | None
    text: str
    reply_to: int | None
    kind: str
    own_words: bool


def settle(record: Record, detailed: Callable[[], DetailedRecord], *, sticker_emoji: bool) -> Settled:
    """Works out what a message is that is not just a text.

    Args:
        record: The message.
        detailed: Looks up all that is known of it.
        sticker_emoji: Whether the emoji of a sticker is its text.
    """
    reply_to = record.reply_to if record.reply_to_peer_id is UNSET else None
    if record.type == "service":
        details = detailed()
        kind = f"service: {details.action if isinstance(details.action, str) else 'other'}"
        sender = details.actor_id or record.sender
        return Settled(sender, details.actor or record.sender_name, "", reply_to, kind, own_words=True)
    sender, name = record.sender, record.sender_name
    if record.type and record.type != "message":
        kind = "damaged message" if record.type == "damaged" else "unsupported message"
        return Settled(sender, name, "", reply_to, kind, own_words=True)
    text = _flat(record.text)
    kind = _medium(record, text, detailed)
    if sticker_emoji and kind == "sticker":
        text = text or detailed().sticker_emoji or ""
    if text and (record.forwarded_from is not UNSET or record.forwarded_from_id is not UNSET):
        return Settled(sender, name, text, reply_to, "forward", own_words=False)
    if text and record.via_bot is not UNSET:
        return Settled(sender, name, text, reply_to, "via bot", own_words=False)
    return Settled(sender, name, text, reply_to, kind, own_words=True)


def _medium(record: Record, text: str, detailed: Callable[[], DetailedRecord]) -> str:
    """What kind of message it is by what it holds besides text."""
    if record.kind != "text":
        return _MEDIA.get(record.kind) or record.kind.replace("_", " ")
    if record.photo is not UNSET:
        return "photo"
    if record.file is not UNSET:
        return "file"
    if text:
        return "text"
    details = detailed()
    return next((kind for key, kind in _WITHOUT_TEXT if getattr(details, key) is not UNSET), "empty message")


def _flat(text: str | list[str | Part]) -> str:
    """Returns a text of many parts as it was written: nothing stands between the parts."""
    if isinstance(text, str):
        return text
    return "".join(part if isinstance(part, str) else part.text for part in text)
