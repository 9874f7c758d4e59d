"""Keeps the messages of a chat for replies that reach back to them: the newest in memory, the others on disk."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from autocakechat import Message

BLOCK = 256  # messages
_BLOCKS_IN_MEMORY = 1  # More of them fall out of the processor's cache, and every message takes a fifth longer.


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

    Attributes:
        newest: The messages added last.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._encode = msgspec.msgpack.Encoder().encode
        self.newest: list[Message] = []
        self._recent: deque[list[Message]] = deque(maxlen=_BLOCKS_IN_MEMORY)
        self._blocks: list[_Block] = []
        self._ascending = True
        self._file: BinaryIO | None = None
        self._end = 0

    def close(self) -> None:
        """Forgets everything."""
        if self._file:
            self._file.close()

    def add(self, messages: list[Message]) -> None:
        """Takes in the next messages of the chat.

        Args:
            messages: `BLOCK` of them, or fewer at the end. A message in it may be replaced until the next are added.
        """
        if self.newest:
            self._write(self.newest)
            self._recent.append(self.newest)
        self.newest = messages

    def back_from(self, id: int) -> Iterator[Message]:
        """Goes backwards through the messages, beginning with one of them.

        Args:
            id: The message to begin with.

        Yields:
            That message, then those before it; nothing if there is no such message.
        """
        for number in self._blocks_that_may_hold(id):
            messages = self._messages(number)
            for index in range(len(messages) - 1, -1, -1):
                if messages[index].id == id:
                    yield from reversed(messages[: index + 1])
                    for earlier in range(number - 1, -1, -1):
                        yield from reversed(self._messages(earlier))
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

    def _messages(self, number: int) -> list[Message]:
        if number == len(self._blocks):
            return self.newest
        age = len(self._blocks) - number
        return self._recent[-age] if age <= len(self._recent) else self._read(self._blocks[number])

    def _write(self, messages: list[Message]) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - `close` closes it
        ids = [message.id for message in messages]
        columns = (
            ids,
            [message.sender for message in messages],
            [message.text or _stand_in(message) for message in messages],
            [message.sent for message in messages],
            [message.reply_to for message in messages],
        )
        data = self._encode(columns)
        block = _Block(messages[0].position, min(ids), max(ids), self._end, len(data))
        if self._blocks and block.first <= self._blocks[-1].last:
            self._ascending = False
        self._blocks.append(block)
        if self._file.tell() != self._end:
            self._file.seek(self._end)
        self._end += self._file.write(data)

    def _read(self, block: _Block) -> list[Message]:
        assert self._file is not None
        self._file.seek(block.offset)
        columns = _decoder.decode(self._file.read(block.size))
        return [
            Message(number, sender, None, text or "", sent, reply_to, _kind(text), position=position)
            for position, (number, sender, text, sent, reply_to) in enumerate(
                zip(*columns, strict=True), block.position
            )
        ]


def _stand_in(message: Message) -> str | None:
    """Returns what is written down for a message without text."""
    return None if message.kind.startswith(_SERVICE) else ""


def _kind(text: str | None) -> str:
    return _SERVICE if text is None else "text"


_SERVICE = "service"
_first_of = attrgetter("first")
_decoder = msgspec.msgpack.Decoder(tuple[list[int], list[str], list[str | None], list[int], list[int | None]])
