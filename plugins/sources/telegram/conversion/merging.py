"""Merges several exports of the same chat into one stream of messages: a k-way merge by message id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from autocakechat import Message, MessageBatch

DUPLICATE_MESSAGE = "duplicate in another export"
_MISSING_ID = 0
_MAX_REMEMBERED_IDS = 1 << 20


class _Stream:
    """The messages of one export of the chat, with a lookahead of one.

    Attributes:
        message: The next message; None at the end.
        key: The sort key of the merge: the running maximum of the ids. Messages whose ids decrease keep their order.
    """

    def __init__(self, messages: Iterator[Message]) -> None:
        self._messages = messages
        self.key = -(1 << 63)
        self.message: Message | None = None
        self.advance()

    def advance(self) -> None:
        """Reads the next message."""
        self.message = next(self._messages, None)
        if self.message is not None and self.message.id > self.key:
            self.key = self.message.id


def merge_exports(exports: Sequence[Iterator[MessageBatch]]) -> Iterator[MessageBatch]:
    """Merges several exports of one chat by message id.

    Args:
        exports: The messages of each export, the newest export first.

    Yields:
        Every message once, in the version of the newest export that contains it. Each copy in another export becomes a
        message of the kind `DUPLICATE_MESSAGE` before it, without text and sender.
    """
    messages = map(chain.from_iterable, exports)
    yield from MessageBatch.in_batches(_merge([stream for stream in map(_Stream, messages) if stream.message]))


def _merge(streams: list[_Stream]) -> Iterator[Message]:
    previous_key = None
    # Ids of the messages with the current key. They detect a copy that is not the next message of its stream, which
    # happens only if ids decrease.
    ids_at_key: set[int] = set()
    while streams:
        first = min(streams, key=_key)  # if several streams have the smallest key, the one of the newest export
        message = first.message
        assert message is not None
        if first.key != previous_key or len(ids_at_key) > _MAX_REMEMBERED_IDS:
            ids_at_key.clear()  # the key has grown, or the set would need too much memory
            previous_key = first.key
        for stream in streams:
            other = stream.message
            if stream is not first and other is not None and other.id == message.id != _MISSING_ID:
                yield make_duplicate(other)
                stream.advance()
        if message.id in ids_at_key and message.id != _MISSING_ID:
            yield make_duplicate(message)
        else:
            yield message
        ids_at_key.add(message.id)
        first.advance()
        streams = [stream for stream in streams if stream.message]


def _key(stream: _Stream) -> int:
    return stream.key


def make_duplicate(message: Message) -> Message:
    """Returns what replaces a message that was already read."""
    return Message(message.id, "", None, "", message.sent, kind=DUPLICATE_MESSAGE)
