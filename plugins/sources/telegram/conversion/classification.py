"""Classifies a message: text, a kind of media, or a service message."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UNSET

from autocakechat.plugins.sources.telegram.conversion.findings import Findings
from autocakechat.plugins.sources.telegram.conversion.known_fields import KNOWN_FIELDS
from autocakechat.plugins.sources.telegram.conversion.rich_messages import rich_text
from autocakechat.plugins.sources.telegram.parsing.raw_messages import DetailedRawMessage, RawBatch, Text

_MEDIA_KINDS = {
    "sticker": "sticker",
    "voice_message": "voice message",
    "video_message": "video message",
    "animation": "animation",
    "video_file": "video",
    "audio_file": "audio",
}

TOO_LARGE_TYPE = "too large"
_TYPES = {"damaged": "damaged message", TOO_LARGE_TYPE: "too large message"}
EMPTY = "empty message"

# What a message without text contains, by the key that holds it.
_KINDS_WITHOUT_TEXT = (
    ("poll", "poll"),
    ("contact_information", "contact"),
    ("location_information", "location"),
    ("game_title", "game"),
    ("invoice_information", "invoice"),
    ("todo_list", "to-do list"),
    ("giveaway_information", "giveaway"),
    ("giveaway_results", "giveaway"),
    ("rich_message", "rich message"),
)

UNTITLED = "topic without a title"


class ClassifiedMessage(NamedTuple):
    """The attributes of `Message` that depend on the kind of a message.

    `sender` is the id in the file. `topic` is the title that a service message gives to a topic of a forum.
    """

    sender: str | int | None
    sender_name: str | None
    text: str
    reply_to: int | None
    kind: str
    own_words: bool
    topic: str = ""


def classify(batch: RawBatch, index: int, findings: Findings, *, sticker_emoji: bool) -> ClassifiedMessage:
    """Classifies a message that is not plain text.

    Args:
        batch: The batch of the message.
        index: The index of the message in the batch.
        findings: Receives what the user has to know about the message.
        sticker_emoji: Whether to use a sticker's emoji as its text.
    """
    message = batch.messages[index]
    reply_to = message.reply_to if message.reply_to_peer_id is UNSET else None
    if message.type == "service":
        details = batch.detailed(index)
        kind = f"service: {details.action if isinstance(details.action, str) else 'other'}"
        sender, name = details.actor_id or message.sender, details.actor or message.sender_name
        return ClassifiedMessage(sender, name, "", reply_to, kind, own_words=True, topic=_topic_title(details))
    sender, name = message.sender, message.sender_name
    if message.type and message.type != "message":
        if message.type == TOO_LARGE_TYPE:
            findings.add_too_large()
        kind = _TYPES.get(message.type, "unsupported message")
        return ClassifiedMessage(sender, name, "", reply_to, kind, own_words=True)
    text = _text(batch, index)
    kind = _content_kind(batch, index, text)
    if kind == EMPTY and (unknown := batch.field_names(index) - KNOWN_FIELDS):
        kind = "unknown message"
        findings.add_unknown_fields(unknown)
    if sticker_emoji and kind == "sticker":
        text = text or batch.detailed(index).sticker_emoji or ""
    if text and (message.forwarded_from is not UNSET or message.forwarded_from_id is not UNSET):
        if message.forwarded_from_id is UNSET:
            findings.add_forward(sender, name, message.forwarded_from)
        return ClassifiedMessage(sender, name, text, reply_to, "forward", own_words=False)
    if text and message.via_bot is not UNSET:
        return ClassifiedMessage(sender, name, text, reply_to, "via bot", own_words=False)
    return ClassifiedMessage(sender, name, text, reply_to, kind, own_words=True)


def _topic_title(details: DetailedRawMessage) -> str:
    """Returns the title that a service message gives to a topic of a forum; empty for other service messages."""
    title = details.title if details.action == "topic_created" else details.new_title
    is_title = details.action in ("topic_created", "topic_edit") and isinstance(title, str)
    return str(title).strip() or UNTITLED if is_title else ""


def _content_kind(batch: RawBatch, index: int, text: str) -> str:
    """Returns the kind of a message by its content: its media, if any, otherwise its text."""
    message = batch.messages[index]
    if message.kind != "text":
        return _MEDIA_KINDS.get(message.kind) or message.kind.replace("_", " ")
    if message.photo is not UNSET:
        return "photo"
    if message.file is not UNSET:
        return "file"
    if text:
        return "text"
    details = batch.detailed(index)
    return next((kind for key, kind in _KINDS_WITHOUT_TEXT if getattr(details, key) is not UNSET), EMPTY)


def _text(batch: RawBatch, index: int) -> str:
    """Returns the text of a message. Rich messages, and messages of some other programs, have none in `text`."""
    message = batch.messages[index]
    if message.text is None and message.rich_message is UNSET:
        return _plain_text(batch.detailed(index).text_entities)
    text = _plain_text(message.text or "")
    return text if text or message.rich_message is UNSET else rich_text(message.rich_message)


def _plain_text(text: Text) -> str:
    """Joins the parts of a formatted text; the exporter separates them by nothing."""
    if isinstance(text, str):
        return text
    return "".join(part if isinstance(part, str) else part.text for part in text)
