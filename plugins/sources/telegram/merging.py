"""Makes one stream of several exports of the same chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from autocakechat import Message, MessageBatch

DUPLICATE = "duplicate in another export"
_NO_ID = 0
_REMEMBERED = 1 << 20


class _Stream:
    """The messages of one export of the chat, one of them at hand.

    Attributes:
        message: The next one; None at the end.
        key: The greatest id so far, so that messages whose ids go down stay in their order.
    """

    def __init__(self, messages: Iterator[Message]) -> None:
        self._messages = messages
        self.key = -(1 << 63)
        self.message: Message | None = None
        self.advance()

    def advance(self) -> None:
        self.message = next(self._messages, None)
        if self.message is not None and self.message.id > self.key:
            self.key = self.message.id


def merged(exports: Sequence[Iterator[MessageBatch]]) -> Iterator[MessageBatch]:
    """Merges several exports of one chat by the ids of the messages.

    Args:
        exports: The messages of each, the newest export first.

    Yields:
        Every message once, as it stands in the newest export that has it. The same message of another export becomes
        one without text and sender of the kind `DUPLICATE`, before it.
    """
    each = map(chain.from_iterable, exports)
    yield from MessageBatch.in_batches(_merged([stream for stream in map(_Stream, each) if stream.message]))


def _merged(streams: list[_Stream]) -> Iterator[Message]:
    last_key = None
    out_of_order: set[int] = set()
    while streams:
        first = min(streams, key=_key)  # the newest of those with the same key
        message = first.message
        assert message is not None
        if first.key != last_key or len(out_of_order) > _REMEMBERED:
            out_of_order.clear()
            last_key = first.key
        for stream in streams:
            other = stream.message
            if stream is not first and other is not None and other.id == message.id != _NO_ID:
                yield _duplicate(other)
                stream.advance()
        if message.id in out_of_order and message.id != _NO_ID:
            yield _duplicate(message)
        else:
            yield message
        out_of_order.add(message.id)
        first.advance()
        streams = [stream for stream in streams if stream.message]


def _key(stream: _Stream) -> int:
    return stream.key


def _duplicate(message: Message) -> Message:
    return Message(message.id, "", None, "", message.sent, kind=DUPLICATE)
