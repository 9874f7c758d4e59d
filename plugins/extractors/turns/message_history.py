"""Stores the messages of a chat, so that replies can refer to old ones: the newest in memory, the others on disk."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
from msgspec import structs

from autocakechat import Message, MessageBatch

_SERVICE = "service"


class _Block(NamedTuple):
    """Consecutive messages on disk.

    Attributes:
        position: Position in the chat of the first message.
        min_id: The smallest message id.
        max_id: The greatest message id.
        offset: Offset in the file.
        size: Size in the file, in bytes.
    """

    position: int
    min_id: int
    max_id: int
    offset: int
    size: int


class MessageHistory:
    """The messages of one chat, found by their ids.

    Batches are numbered. The newest batch is in memory, so that texts can still be erased; it is written to disk when
    the next one is added. The one before it stays in memory as well.

    Args:
        folder: Folder for an unnamed temporary file, which is made if the chat has more than one batch.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._encode = msgspec.msgpack.Encoder().encode
        self._newest: MessageBatch | None = None
        self._previous: MessageBatch | None = None
        self._blocks: list[_Block] = []
        self._ascending = True
        self._file: BinaryIO | None = None
        self._end = 0

    def close(self) -> None:
        """Deletes the file."""
        if self._file:
            self._file.close()

    def add(self, messages: MessageBatch) -> None:
        """Adds the next batch of the chat."""
        if self._newest:
            self._write(self._newest)
            self._previous = self._newest
        self._newest = structs.replace(messages, texts=list(messages.texts))

    def erase_text(self, message: Message) -> None:
        """Erases the text of a message of the newest batch."""
        assert self._newest
        texts = self._newest.texts
        assert isinstance(texts, list)
        texts[message.position - self._newest.positions[0]] = ""

    def newest(self) -> Iterator[Message]:
        """Returns the messages of the newest batch."""
        return iter(self._newest or ())

    def back_from(self, id: int) -> Iterator[Message]:
        """Iterates backwards through the messages, starting with a given one.

        Args:
            id: Id of the first message.

        Yields:
            This message, then those before it; nothing if there is no such message.
        """
        for number in self._batches_that_may_contain(id):
            messages = self._batch(number)
            if id in messages.ids:
                yield from _reversed(messages, _last_index(messages.ids, id))
                for earlier in range(number - 1, -1, -1):
                    messages = self._batch(earlier)
                    yield from _reversed(messages, len(messages) - 1)
                return

    def _batches_that_may_contain(self, id: int) -> Iterator[int]:
        """Yields batch numbers, newest first. The newest batch has no block yet."""
        yield len(self._blocks)
        if self._ascending:
            latest = bisect_right(self._blocks, id, key=_min_id) - 1
            candidates = range(latest, max(latest, 0) - 1, -1)  # this block, or none
        else:
            candidates = range(len(self._blocks) - 1, -1, -1)
        for number in candidates:
            if self._blocks[number].min_id <= id <= self._blocks[number].max_id:
                yield number

    def _batch(self, number: int) -> MessageBatch:
        if number == len(self._blocks):
            assert self._newest
            return self._newest
        if number == len(self._blocks) - 1:
            assert self._previous
            return self._previous
        return self._read(self._blocks[number])

    def _write(self, messages: MessageBatch) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - `close` closes it
        ids = messages.ids
        ascending_ids = sorted(ids)  # for ids that ascend already, twice as fast as `min` and `max`
        columns = (
            ids,
            messages.senders,
            _stored_texts(messages),
            messages.sent,
            messages.reply_to,
            messages.topics,
            messages.labels,
        )
        encoded = self._encode(columns)
        block = _Block(messages.positions[0], ascending_ids[0], ascending_ids[-1], self._end, len(encoded))
        if self._blocks and block.min_id <= self._blocks[-1].max_id:
            self._ascending = False
        self._blocks.append(block)
        if self._file.tell() != self._end:
            self._file.seek(self._end)
        self._end += self._file.write(encoded)

    def _read(self, block: _Block) -> MessageBatch:
        assert self._file is not None
        self._file.seek(block.offset)
        ids, senders, texts, sent, reply_to, topics, labels = _decoder.decode(self._file.read(block.size))
        size = len(ids)
        return MessageBatch(
            ids,
            senders,
            [None] * size,
            [text or "" for text in texts],
            sent,
            reply_to,
            [_SERVICE if text is None else "text" for text in texts],
            [True] * size,
            [None] * size,
            range(block.position, block.position + size),
            topics,
            labels,
        )


def _stored_texts(messages: MessageBatch) -> Sequence[str | None]:
    """Returns the texts to store: None marks a service message without text, since kinds are not stored."""
    if all(messages.texts):
        return messages.texts
    texts_and_kinds = zip(messages.texts, messages.kinds, strict=True)
    return [None if not text and kind.startswith(_SERVICE) else text for text, kind in texts_and_kinds]


def _reversed(messages: MessageBatch, start: int) -> Iterator[Message]:
    return reversed(list(islice(messages, start + 1)))


def _last_index(ids: Sequence[int], id: int) -> int:
    return len(ids) - 1 - list(reversed(ids)).index(id)


_min_id = attrgetter("min_id")
_Columns = tuple[list[int], list[str], list[str | None], list[int], list[int | None], list[str], list[str | None]]
_decoder = msgspec.msgpack.Decoder(_Columns)
