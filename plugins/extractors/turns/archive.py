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

BLOCK = 128  # messages
_BLOCKS_IN_MEMORY = 4  # More would fall out of the processor's cache before they are asked for.


class _Block(NamedTuple):
    """Consecutive messages, in memory or written down.

    Attributes:
        position: That of the first one.
        first: The smallest id among them.
        last: The greatest id among them.
        ids: Their ids, as long as they are in memory.
        messages: The messages, as long as they are in memory.
        offset: Where they stand in the file afterwards.
        size: How many bytes they take there.
    """

    position: int
    first: int
    last: int
    ids: list[int] | None
    messages: list[Message] | None
    offset: int = 0
    size: int = 0


class Archive:
    """The messages of one chat, found again by their ids.

    Args:
        folder: Where a file without a name can be made if the chat is long.

    Attributes:
        newest: The newest messages; others are appended here, every message of the chat in its order.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.newest: list[Message] = []
        self._recent: deque[_Block] = deque()
        self._written: list[_Block] = []
        self._ascending = True
        self._file: BinaryIO | None = None
        self._end = 0

    def close(self) -> None:
        """Forgets everything."""
        if self._file:
            self._file.close()

    def make_room(self) -> None:
        """Puts the newest messages aside; to be called when there are `BLOCK` of them."""
        messages = self.newest.copy()
        self.newest.clear()
        ids = [message.id for message in messages]
        self._recent.append(_Block(messages[0].position, min(ids), max(ids), ids, messages))
        if len(self._recent) > _BLOCKS_IN_MEMORY:
            self._write(self._recent.popleft())

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
        """Yields numbers of blocks, newest first; the last number stands for the messages of no block yet."""
        written = len(self._written)
        yield written + len(self._recent)
        for number in range(len(self._recent) - 1, -1, -1):
            if self._recent[number].first <= id <= self._recent[number].last:
                yield written + number
        if self._ascending:
            candidates = range(bisect_right(self._written, id, key=_first_of) - 1, -1, -1)[:1]
        else:
            candidates = range(written - 1, -1, -1)
        for number in candidates:
            if self._written[number].first <= id <= self._written[number].last:
                yield number

    def _messages(self, number: int) -> list[Message]:
        written = len(self._written)
        if number < written:
            return self._read(self._written[number])
        if number < written + len(self._recent):
            return self._recent[number - written].messages or []
        return self.newest

    def _write(self, block: _Block) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - `close` closes it
        messages = block.messages or []
        columns = (
            block.ids,
            [message.sender for message in messages],
            [message.text or _stand_in(message) for message in messages],
            [message.sent for message in messages],
            [message.reply_to for message in messages],
        )
        data = msgspec.msgpack.encode(columns)
        if self._written and block.first <= self._written[-1].last:
            self._ascending = False
        self._written.append(block._replace(ids=None, messages=None, offset=self._end, size=len(data)))
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
