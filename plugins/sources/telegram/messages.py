"""From records to messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain

from msgspec import UNSET

from autocakechat import Message
from autocakechat.plugins.sources.telegram.kinds import settle
from autocakechat.plugins.sources.telegram.records import Batch, Record
from autocakechat.plugins.sources.telegram.senders import Senders


def read_messages(
    batches: Iterator[Batch], senders: Senders, advance: Callable[[int], None], *, sticker_emoji: bool
) -> Iterator[Message]:
    """Reads the messages of a chat.

    Args:
        batches: The messages as they stand in the file.
        senders: Who speaks in the chat.
        advance: Told how many bytes were read.
        sticker_emoji: Whether the emoji of a sticker is its text.

    Returns:
        The messages in the order of the file.
    """
    return chain.from_iterable(_settled(batches, senders, advance, sticker_emoji=sticker_emoji))


def _settled(
    batches: Iterator[Batch], senders: Senders, advance: Callable[[int], None], *, sticker_emoji: bool
) -> Iterator[list[Record]]:
    known = senders.known
    last = 0
    for number, batch in enumerate(batches):
        if number == 0:
            senders.look_at(batch.records)
        for record in batch.records:
            # Nearly all messages are somebody's own text and nothing else, and need no more than this look at them.
            if (
                type(record.text) is not str
                or not record.text
                or record.kind != "text"
                or record.type != "message"
                or record.photo is not UNSET
                or record.file is not UNSET
                or record.forwarded_from is not UNSET
                or record.forwarded_from_id is not UNSET
                or record.via_bot is not UNSET
                or record.reply_to_peer_id is not UNSET
            ):
                settle(record, sticker_emoji=sticker_emoji)
            try:
                sender = known[record.sender]
            except KeyError:
                sender = senders.meet(record.sender)
            record.sender = sender.id
            record.outgoing = sender.outgoing
            if not sender.is_person and record.own_words:
                record.own_words = False
                if record.kind == "text":
                    record.kind = "channel post" if sender.id else "nobody's message"
            if not record.sent:
                record.sent = _local_time(record.date) or last
            last = record.sent
        advance(batch.size)
        yield batch.records


def _local_time(date: str) -> int:
    """Reads a time without a zone as UTC: where the exporter was is not known. Returns 0 if it is no time."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return 0
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))
