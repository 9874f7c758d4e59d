"""Classifies a message: text, a kind of media, or a service message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import UNSET

from autocakechat.plugins.sources.telegram.conversion.findings import Findings
from autocakechat.plugins.sources.telegram.conversion.known_fields import KNOWN_FIELDS
from autocakechat.plugins.sources.telegram.conversion.rich_messages import rich_text, unknown_parts
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
RICH_MESSAGE = "rich message"

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
    ("rich_message", RICH_MESSAGE),
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
    if kind in (EMPTY, RICH_MESSAGE) and (unknown := _unknown_fields(batch.fields(index))):
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
    if details.action == "topic_created":
        return _stripped(details.title) or UNTITLED
    if details.action == "topic_edit" and isinstance(details.new_title, str):
        return _stripped(details.new_title) or UNTITLED
    return ""


def _stripped(title: Any) -> str:
    return title.strip() if isinstance(title, str) else ""


def _unknown_fields(fields: Mapping[str, Any]) -> set[str]:
    """Returns the names of the fields that may hold the content of a message of which no text is known."""
    unknown = set(fields) - KNOWN_FIELDS
    if not isinstance(fields.get("text", ""), str | list | None):
        unknown.add("text")
    return unknown | {f"rich_message: {name}" for name in unknown_parts(fields.get("rich_message"))}


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
