"""From records to messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from msgspec import UNSET

from autocakechat import MessageBatch
from autocakechat.plugins.sources.telegram.classification import settle
from autocakechat.plugins.sources.telegram.raw_messages import Batch, Record
from autocakechat.plugins.sources.telegram.senders import Senders


def read_messages(
    batches: Iterator[Batch], senders: Senders, advance: Callable[[int], None], *, sticker_emoji: bool
) -> Iterator[MessageBatch]:
    """Reads the messages of a chat.

    Args:
        batches: The messages as they stand in the file.
        senders: Who speaks in the chat.
        advance: Told how many bytes were read.
        sticker_emoji: Whether the emoji of a sticker is its text.

    Yields:
        The messages in the order of the file.
    """
    last = 0
    for number, batch in enumerate(batches):
        if number == 0:
            senders.look_at(batch.records)
        advance(batch.size)
        if batch.records:
            messages = _messages(batch, senders, last, sticker_emoji=sticker_emoji)
            last = messages.sent[-1]
            yield messages


def _messages(batch: Batch, senders: Senders, last: int, *, sticker_emoji: bool) -> MessageBatch:
    """Makes messages of a batch; times that are missing are those of the message before, at first `last`."""
    records = batch.records
    sender_ids = [record.sender for record in records]
    names = [record.sender_name for record in records]
    texts: list[Any] = [record.text for record in records]
    sent = [record.sent for record in records]
    reply_to = [record.reply_to for record in records]
    kinds = ["text"] * len(records)
    own_words = [True] * len(records)
    for place in _no_mere_texts(records):
        settled = settle(records[place], partial(batch.detailed, place), sticker_emoji=sticker_emoji)
        sender_ids[place], names[place], texts[place], reply_to[place], kinds[place], own_words[place] = settled
    known, outgoing, are_people = zip(*senders.meet_all(sender_ids), strict=True)
    if not all(are_people):
        for place, is_person in enumerate(are_people):
            if not is_person and own_words[place]:
                own_words[place] = False
                if kinds[place] == "text":
                    kinds[place] = "channel post" if known[place] else "nobody's message"
    if 0 in sent:
        for place, moment in enumerate(sent):
            sent[place] = last = moment or _local_time(batch.detailed(place).date) or last
    ids = [record.id for record in records]
    return MessageBatch(ids, known, names, texts, sent, reply_to, kinds, own_words, outgoing)


def _no_mere_texts(records: Sequence[Record]) -> list[int]:
    """Finds the places of messages that are not somebody's own text and nothing else; most are just that."""
    return [
        place
        for place, record in enumerate(records)
        if type(record.text) is not str
        or not record.text
        or record.kind != "text"
        or record.type != "message"
        or record.photo is not UNSET
        or record.file is not UNSET
        or record.forwarded_from is not UNSET
        or record.forwarded_from_id is not UNSET
        or record.via_bot is not UNSET
        or record.reply_to_peer_id is not UNSET
    ]


def _local_time(date: str) -> int:
    """Reads a time without a zone as UTC: where the exporter was is not known. Returns 0 if it is no time."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return 0
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))
