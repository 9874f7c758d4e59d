"""Makes the messages of a chat from blocks of lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from autocakechat import Message, MessageBatch
from autocakechat.plugins.sources.records.chat_index import Block, Line, ParseTime
from autocakechat.plugins.sources.records.records import (
    InvalidRecordError,
    Record,
    make_message,
    message_ids,
    parse_record,
    parse_records,
    parse_times,
)

DUPLICATE_MESSAGE = "duplicate message"
DAMAGED_MESSAGE = "damaged message"


def message_batches(
    blocks: Iterator[Block],
    parse_time: ParseTime,
    add_damage: Callable[[Line, InvalidRecordError], None],
    advance: Callable[[int], None],
) -> Iterator[MessageBatch]:
    """Makes the messages of a chat.

    A message with the id and time of another one is a duplicate, without text. A line that is not a message is one
    without text, too.

    Args:
        blocks: The lines of the chat, oldest first.
        parse_time: Parses a time.
        add_damage: Called with each line that is not a message.
        advance: Called with a number of bytes that were read.
    """
    converter = _Converter(parse_time, add_damage)
    for block in blocks:
        batch = converter.convert_at_once(block)
        if batch is None:
            yield from MessageBatch.in_batches(converter.convert_lines(block))
        else:
            yield batch
        advance(len(block.content))


class _Converter:
    """Converts lines to messages.

    Args:
        parse_time: Parses a time.
        add_damage: Called with each line that is not a message.
    """

    def __init__(self, parse_time: ParseTime, add_damage: Callable[[Line, InvalidRecordError], None]) -> None:
        self._parse_time = parse_time
        self._add_damage = add_damage
        self._number = 0
        self._sent = 0
        self._ids: set[int] = set()  # of the messages that were sent at that time

    def convert_at_once(self, block: Block) -> MessageBatch | None:
        """Converts a block of messages; returns None, and converts nothing, if one is damaged or a duplicate."""
        records = parse_records(block.content)
        if not records:
            return None
        try:
            sent = parse_times([record.time for record in records], self._parse_time)
        except InvalidRecordError:
            return None
        numbers = range(self._number + 1, self._number + 1 + len(records))
        ids = [
            -number if id_ is None else id_
            for number, id_ in zip(numbers, message_ids([record.id for record in records]), strict=True)
        ]
        if self._has_duplicates(ids, sent):
            return None
        self._number += len(records)
        if sent[-1] != self._sent:
            self._sent = sent[-1]
            self._ids.clear()
        self._ids.update(id_ for id_, time in zip(ids, sent, strict=True) if time == self._sent)
        return _make_batch(records, ids, sent)

    def _has_duplicates(self, ids: list[int], sent: list[int]) -> bool:
        if sent[0] != self._sent and len(set(sent)) == len(sent):  # faster than the sets below
            return False
        places = set(zip(sent, ids, strict=True))
        places.update((self._sent, id_) for id_ in self._ids)
        return len(places) < len(ids) + len(self._ids)

    def convert_lines(self, block: Block) -> Iterator[Message]:
        """Converts the lines of a block one by one."""
        for line in block.lines():
            self._number += 1
            try:
                record = parse_record(line.content)
                sent = self._parse_time(record.time)
            except InvalidRecordError as error:
                if not line.content.isspace():
                    self._add_damage(line, error)
                    yield Message(-self._number, "", None, "", self._sent, kind=DAMAGED_MESSAGE)
                continue
            yield self._without_duplicate(make_message(record, self._number, sent))

    def _without_duplicate(self, message: Message) -> Message:
        if message.sent != self._sent:
            self._sent = message.sent
            self._ids.clear()
        elif message.id in self._ids:
            message = Message(message.id, "", None, "", self._sent, kind=DUPLICATE_MESSAGE)
        self._ids.add(message.id)
        return message


def _make_batch(records: list[Record], ids: list[int], sent: list[int]) -> MessageBatch:
    texts = [record.text or "" for record in records]
    kinds = [record.kind or "text" for record in records]
    topics = [record.topic for record in records]
    labels = [record.label or None for record in records]
    return MessageBatch(
        ids,
        ["" if record.sender is None else str(record.sender) for record in records],
        [record.name for record in records],
        texts,
        sent,
        message_ids([record.reply_to for record in records]),
        ["empty message" if kind == "text" and not text else kind for kind, text in zip(kinds, texts, strict=True)],
        [record.own_words for record in records],
        [record.outgoing for record in records],
        topics=topics if any(topics) else (),
        labels=labels if any(labels) else (),
    )
