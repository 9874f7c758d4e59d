"""Keeps the messages of a chat for replies that reach back to them: the newest in memory, the others on disk."""

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


class _Block(NamedTuple):
    """Consecutive messages that are written down.

    Attributes:
        position: That of the first one.
        first: The smallest id among them.
        last: The greatest id among them.
        offset: Where they stand in the file.
        size: How many bytes they take there.
    """

    position: int
    first: int
    last: int
    offset: int
    size: int


class Archive:
    """The messages of one chat, found again by their ids.

    Args:
        folder: Where a file without a name can be made if the chat is long.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._encode = msgspec.msgpack.Encoder().encode
        self._newest: MessageBatch | None = None
        self._before: MessageBatch | None = None
        self._blocks: list[_Block] = []
        self._ascending = True
        self._file: BinaryIO | None = None
        self._end = 0

    def close(self) -> None:
        """Forgets everything."""
        if self._file:
            self._file.close()

    def add(self, messages: MessageBatch) -> None:
        """Takes in the next messages of the chat, some hundred at a time."""
        if self._newest:
            self._write(self._newest)
            self._before = self._newest
        self._newest = structs.replace(messages, texts=list(messages.texts))

    def erase(self, message: Message) -> None:
        """Forgets the text of one of the messages added last."""
        assert self._newest
        texts = self._newest.texts
        assert isinstance(texts, list)
        texts[message.position - self._newest.positions[0]] = ""

    def newest(self) -> Iterator[Message]:
        """Returns the messages added last."""
        return iter(self._newest or ())

    def back_from(self, id: int) -> Iterator[Message]:
        """Goes backwards through the messages, beginning with one of them.

        Args:
            id: The message to begin with.

        Yields:
            That message, then those before it; nothing if there is no such message.
        """
        for number in self._blocks_that_may_hold(id):
            messages = self._messages(number)
            if id in messages.ids:
                yield from _backwards(messages, _last_place(messages.ids, id))
                for earlier in range(number - 1, -1, -1):
                    messages = self._messages(earlier)
                    yield from _backwards(messages, len(messages) - 1)
                return

    def _blocks_that_may_hold(self, id: int) -> Iterator[int]:
        """Yields numbers of blocks, newest first; the first number stands for the messages of no block yet."""
        yield len(self._blocks)
        if self._ascending:
            latest = bisect_right(self._blocks, id, key=_first_of) - 1
            candidates = range(latest, max(latest, 0) - 1, -1)
        else:
            candidates = range(len(self._blocks) - 1, -1, -1)
        for number in candidates:
            if self._blocks[number].first <= id <= self._blocks[number].last:
                yield number

    def _messages(self, number: int) -> MessageBatch:
        if number == len(self._blocks):
            assert self._newest
            return self._newest
        if number == len(self._blocks) - 1:
            assert self._before
            return self._before
        return self._read(self._blocks[number])

    def _write(self, messages: MessageBatch) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - `close` closes it
        ids = messages.ids
        data = self._encode((ids, messages.senders, _texts(messages), messages.sent, messages.reply_to))
        block = _Block(messages.positions[0], min(ids), max(ids), self._end, len(data))
        if self._blocks and block.first <= self._blocks[-1].last:
            self._ascending = False
        self._blocks.append(block)
        if self._file.tell() != self._end:
            self._file.seek(self._end)
        self._end += self._file.write(data)

    def _read(self, block: _Block) -> MessageBatch:
        assert self._file is not None
        self._file.seek(block.offset)
        ids, senders, texts, sent, reply_to = _decoder.decode(self._file.read(block.size))
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
        )


def _texts(messages: MessageBatch) -> Sequence[str | None]:
    """Returns what is written down of texts: None for what happened in the chat, which has none."""
    if all(messages.texts):
        return messages.texts
    each = zip(messages.texts, messages.kinds, strict=True)
    return [None if not text and kind.startswith(_SERVICE) else text for text, kind in each]


def _backwards(messages: MessageBatch, place: int) -> Iterator[Message]:
    return reversed(list(islice(messages, place + 1)))


def _last_place(ids: Sequence[int], id: int) -> int:
    return len(ids) - 1 - list(reversed(ids)).index(id)


_SERVICE = "service"
_first_of = attrgetter("first")
_decoder = msgspec.msgpack.Decoder(tuple[list[int], list[str], list[str | None], list[int], list[int | None]])
