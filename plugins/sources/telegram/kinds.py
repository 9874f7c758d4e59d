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


def settle(record: Record, *, sticker_emoji: bool) -> None:
    """Works out kind, text and ownership of a record that is not just a text.

    Args:
        record: As decoded; it is changed.
        sticker_emoji: Whether the emoji of a sticker is its text.
    """
    if record.text.__class__ is not str:
        record.text = _flat(record.text)
    if record.reply_to_peer_id is not UNSET:
        record.reply_to = None
    if record.type == "message" or not record.type:
        _settle_media(record, sticker_emoji=sticker_emoji)
        if record.text:
            _settle_ownership(record)
        return
    record.text = ""
    if record.type == "service":
        record.kind = f"service: {record.action if isinstance(record.action, str) else 'other'}"
        record.sender, record.sender_name = record.actor_id or record.sender, record.actor or record.sender_name
    else:
        record.kind = "damaged message" if record.type == "damaged" else "unsupported message"


def _settle_media(record: Record, *, sticker_emoji: bool) -> None:
    if record.kind != "text":
        record.kind = _MEDIA.get(record.kind) or record.kind.replace("_", " ")
        if sticker_emoji and record.kind == "sticker" and not record.text:
            record.text = record.sticker_emoji or ""
    elif record.photo is not UNSET:
        record.kind = "photo"
    elif record.file is not UNSET:
        record.kind = "file"
    elif not record.text:
        kinds = (kind for key, kind in _WITHOUT_TEXT if getattr(record, key) is not UNSET)
        record.kind = next(kinds, "empty message")


def _settle_ownership(record: Record) -> None:
    if record.forwarded_from is not UNSET or record.forwarded_from_id is not UNSET:
        record.kind, record.own_words = "forward", False
    elif record.via_bot is not UNSET:
        record.kind, record.own_words = "via bot", False


def _flat(text: str | list[str | Part] | None) -> str:
    """Returns a text of many parts as it was written: nothing stands between the parts."""
    if text is None or isinstance(text, str):
        return text or ""
    return "".join(part if isinstance(part, str) else part.text for part in text)
