"""Converts raw messages to batches of messages: one list per attribute, which is faster than one object per message."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET

from autocakechat import MessageBatch
from autocakechat.plugins.sources.telegram.conversion.classification import classify
from autocakechat.plugins.sources.telegram.conversion.findings import Findings
from autocakechat.plugins.sources.telegram.conversion.senders import SenderTable
from autocakechat.plugins.sources.telegram.parsing.raw_messages import RawBatch, RawMessage


def convert_batches(
    batches: Iterator[RawBatch],
    senders: SenderTable,
    advance: Callable[[int], None],
    findings: Findings,
    *,
    sticker_emoji: bool,
) -> Iterator[MessageBatch]:
    """Converts the messages of a chat.

    Args:
        batches: The raw messages.
        senders: The senders of the chat.
        advance: Called with the size of each batch, in bytes, to show progress.
        findings: Receives what the user has to know about the messages.
        sticker_emoji: Whether to use a sticker's emoji as its text.

    Yields:
        The messages in the order of the file.
    """
    previous_time = 0
    for number, batch in enumerate(batches):
        if number == 0:
            senders.verify_partner(batch.messages)
        advance(batch.size)
        if batch.messages:
            converted = _convert(batch, senders, previous_time, findings, sticker_emoji=sticker_emoji)
            previous_time = converted.sent[-1]
            yield converted


def _convert(
    batch: RawBatch, senders: SenderTable, previous_time: int, findings: Findings, *, sticker_emoji: bool
) -> MessageBatch:
    """Converts a batch.

    Most messages are plain text, so the lists are first filled as if all were; then the others are classified.

    Args:
        batch: At least one message.
        senders: The senders of the chat.
        previous_time: When the last message before the batch was sent, for messages without a time.
        findings: Receives what the user has to know about the messages.
        sticker_emoji: Whether to use a sticker's emoji as its text.
    """
    messages = batch.messages
    raw_ids = [message.sender for message in messages]
    names = [message.sender_name for message in messages]
    texts: list[Any] = [message.text for message in messages]
    sent = [message.sent for message in messages]
    reply_to = [message.reply_to for message in messages]
    kinds = ["text"] * len(messages)
    own_words = [True] * len(messages)
    topics: list[str] = []
    for i in _indices_to_classify(messages):
        classified = classify(batch, i, findings, sticker_emoji=sticker_emoji)
        # The fields, in their order.
        raw_ids[i], names[i], texts[i], reply_to[i], kinds[i], own_words[i], topic = classified
        if topic:
            topics = topics or [""] * len(messages)
            topics[i] = topic
    sender_ids, outgoing, are_people = zip(*senders.resolve_all(raw_ids), strict=True)
    if not all(are_people):
        _mark_channel_posts(are_people, sender_ids, kinds, own_words)
    if 0 in sent:
        _fill_missing_times(sent, batch, previous_time)
    ids = [message.id for message in messages]
    return MessageBatch(ids, sender_ids, names, texts, sent, reply_to, kinds, own_words, outgoing, topics=topics)


def _indices_to_classify(messages: Sequence[RawMessage]) -> list[int]:
    """Returns the indices of all messages except plain texts.

    A forward, a message via a bot and a reply to a message in another chat have text, but are not plain texts.
    """
    return [
        index
        for index, message in enumerate(messages)
        if type(message.text) is not str
        or not message.text
        or message.kind != "text"
        or message.type != "message"
        or message.photo is not UNSET
        or message.file is not UNSET
        or message.forwarded_from is not UNSET
        or message.forwarded_from_id is not UNSET
        or message.via_bot is not UNSET
        or message.reply_to_peer_id is not UNSET
    ]


def _mark_channel_posts(
    are_people: Sequence[bool], sender_ids: Sequence[str], kinds: list[str], own_words: list[bool]
) -> None:
    """Marks channel posts and messages without a sender as not the own words of a participant."""
    for i, is_person in enumerate(are_people):
        if not is_person and own_words[i]:
            own_words[i] = False
            if kinds[i] == "text":
                kinds[i] = "channel post" if sender_ids[i] else "message without sender"


def _fill_missing_times(sent: list[int], batch: RawBatch, previous_time: int) -> None:
    """Replaces times of 0 by the local date of the message, or else by the time of the message before it."""
    for i, time in enumerate(sent):
        sent[i] = previous_time = time or _parse_local_date(batch.detailed(i).date) or previous_time


def _parse_local_date(date: str) -> int:
    """Parses a date without a time zone as UTC, since the exporter's zone is unknown. Returns 0 if it is invalid."""
    try:
        parsed = datetime.fromisoformat(date)
    except ValueError:
        return 0
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return max(0, int(parsed.timestamp()))
