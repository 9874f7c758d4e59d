"""The events that a prefetching worker process sends to the main process, and their encoding on the pipe.

A chat is sent as `ChatStart`, then its messages in batches, then `ChatEnd`; progress and log records may come in
between. The last event is `Finished` or `Failure`. One transfer is a pickled list of events: waking the main process
for each batch of messages would be slow.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from multiprocessing.connection import Connection

import msgspec

from autocakechat.errors import AccError
from autocakechat.interface.chatlog import MessageBatch
from autocakechat.pipeline.forwarded_progress import ProgressEvent
from autocakechat.pipeline.reading.worker_processes import LogRecord, worker_killed
from autocakechat.statistics.participants import ParticipantCounter

# Message batches are queued until they are this large together.
_MIN_TRANSFER_BYTES = 1 << 18


class ChatStart(msgspec.Struct, frozen=True):
    """A chat begins; the attributes are those of `Chat`."""

    id: str
    title: str | None
    kind: str
    skip: str | None


class EncodedBatch(msgspec.Struct, frozen=True):
    """Messages of the current chat, a `MessageBatch` as MessagePack."""

    data: bytes


class PlainBatch(msgspec.Struct, frozen=True):
    """Messages of the current chat that MessagePack cannot encode, because a text has a lone surrogate."""

    batch: MessageBatch


class ChatEnd(msgspec.Struct, frozen=True):
    """The current chat ends."""


class Failure(msgspec.Struct, frozen=True):
    """Reading failed."""

    error: AccError


class Finished(msgspec.Struct, frozen=True):
    """The input is read to its end."""

    participants: ParticipantCounter


BatchEvent = EncodedBatch | PlainBatch
ChatEvent = ChatStart | BatchEvent | ChatEnd
Event = ChatEvent | ProgressEvent | LogRecord | Failure | Finished


class EventSender:
    """Sends events to the main process.

    Args:
        connection: The writing end of the pipe.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._encode = msgspec.msgpack.Encoder().encode
        self._queue: list[Event] = []
        self._queued_bytes = 0

    def queue(self, event: Event) -> None:
        """Queues an event; it is sent with the next one that is sent at once."""
        self._queue.append(event)

    def send(self, event: Event) -> None:
        """Sends an event at once, after the queued ones.

        Raises:
            BrokenPipeError: The main process has closed the pipe.
        """
        self._queue.append(event)
        self._connection.send_bytes(pickle.dumps(self._queue, pickle.HIGHEST_PROTOCOL))
        self._queue.clear()
        self._queued_bytes = 0

    def send_batch(self, batch: MessageBatch) -> None:
        """Queues messages, and sends the queue if it is large enough."""
        batch.positions = ()  # the main process numbers them again
        try:
            data = self._encode(batch)
        except UnicodeEncodeError:  # a lone surrogate, which pickle can write
            self.send(PlainBatch(batch))
            return
        self._queued_bytes += len(data)
        if self._queued_bytes > _MIN_TRANSFER_BYTES:
            self.send(EncodedBatch(data))
        else:
            self.queue(EncodedBatch(data))


class BatchDecoder:
    """Decodes events with messages."""

    def __init__(self) -> None:
        self._decode = msgspec.msgpack.Decoder(MessageBatch).decode

    def __call__(self, event: BatchEvent) -> MessageBatch:
        """Returns the messages of an event."""
        return self._decode(event.data) if isinstance(event, EncodedBatch) else event.batch


def receive_events(connection: Connection) -> Iterator[Event]:
    """Yields the events that a worker process sends.

    Args:
        connection: The reading end of the pipe.

    Raises:
        StageError: The worker process ended, perhaps in the middle of a transfer, before the last event was taken.
    """
    while True:
        try:
            transfer = connection.recv_bytes()
        except (EOFError, OSError):
            raise worker_killed() from None
        yield from pickle.loads(transfer)  # noqa: S301 - written by our own worker process
