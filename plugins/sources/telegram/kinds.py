"""What a message is: text, a kind of media, or something that happened in the chat."""

from __future__ import annotations

from msgspec import UNSET

from autocakechat.plugins.sources.telegram.records import Part, Record

_MEDIA = {
    "sticker": "sticker",
    "voice_message": "voice message",
    "video_message": "video message",
    "animation": "animation",
    "video_file": "video",
    "audio_file": "audio",
}

_OTHER = (
    ("photo", "photo"),
    ("poll", "poll"),
    ("contact_information", "contact"),
    ("location_information", "location"),
    ("game_title", "game"),
    ("invoice_information", "invoice"),
    ("todo_list", "to-do list"),
    ("giveaway_information", "giveaway"),
    ("giveaway_results", "giveaway"),
    ("file", "file"),
)


def settle(record: Record, *, sticker_emoji: bool) -> None:
    """Works out kind, text and ownership of a record that is not just a text."""
    record.text = _flat(record.text)
    if record.reply_to_peer_id is not UNSET:
        record.reply_to = None
    if record.type == "service":
        record.kind = f"service: {record.action if isinstance(record.action, str) else 'other'}"
        record.sender, record.sender_name = record.actor_id or record.sender, record.actor or record.sender_name
        record.text = ""
    elif record.type not in ("message", ""):
        record.kind = "damaged message" if record.type == "damaged" else "unsupported message"
        record.text = ""
    else:
        _settle_message(record, sticker_emoji=sticker_emoji)


def _settle_message(record: Record, *, sticker_emoji: bool) -> None:
    if record.kind != "text":
        record.kind = _MEDIA.get(record.kind) or record.kind.replace("_", " ")
    else:
        record.kind = next((kind for key, kind in _OTHER if getattr(record, key) is not UNSET), "text")
    if record.kind == "sticker" and sticker_emoji and not record.text:
        record.text = record.sticker_emoji or ""
    if not record.text:
        if record.kind == "text":
            record.kind = "empty message"
    elif record.forwarded_from is not UNSET or record.forwarded_from_id is not UNSET:
        record.kind, record.own_words = "forward", False
    elif record.via_bot is not UNSET:
        record.kind, record.own_words = "via bot", False


def _flat(text: str | list[str | Part] | None) -> str:
    """Returns a text of many parts as it was written: nothing stands between the parts."""
    if text is None or isinstance(text, str):
        return text or ""
    return "".join(part if isinstance(part, str) else part.text for part in text)
