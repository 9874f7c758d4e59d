"""Prefetches an input in a worker process while this process pairs its messages and writes the corpus.

Decoding a log takes about as long as pairing its messages and writing the corpus. On two CPUs both at once take about
three quarters of the time, not half: passing the messages through a pipe also takes time. While the pipe is full, the
worker waits.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection

from autocakechat.display.progress import silent_progress
from autocakechat.errors import AccError
from autocakechat.interface.chatlog import Chat, MessageBatch
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import Input, SourceType
from autocakechat.pipeline.forwarded_progress import (
    ProgressAdvance,
    ProgressClose,
    ProgressOpen,
    ProgressReplay,
    forwarded_progress,
)
from autocakechat.pipeline.reading.extraction import BoundStage, read_chats
from autocakechat.pipeline.reading.prefetch_protocol import (
    BatchDecoder,
    ChatEnd,
    ChatEvent,
    ChatStart,
    EventSender,
    Failure,
    Finished,
    receive_events,
)
from autocakechat.pipeline.reading.worker_processes import (
    LogRecord,
    available_cpus,
    forward_logs,
    is_picklable,
    restore_default_signals,
    total_size,
)
from autocakechat.statistics.participants import ParticipantCounter

# The break-even size: starting a process takes about as long as decoding half of this, and prefetching saves about as
# much (a quarter of the time to decode, pair and write all of it).
MIN_BYTES = 64_000_000


def is_worthwhile(
    source: BoundStage[SourceType], entry: Input, *, cpus: int | None = None, min_bytes: int = MIN_BYTES
) -> bool:
    """Returns whether reading an input in a worker process is possible, and faster than reading it here.

    Args:
        source: The source.
        entry: The input.
        cpus: The number of CPUs; by default those that are available.
        min_bytes: The size from which on a worker process pays off.
    """
    enough_cpus = (available_cpus() if cpus is None else cpus) >= 2
    return enough_cpus and total_size([entry]) >= min_bytes and is_picklable(source)


def prefetch_chats(source: BoundStage[SourceType], entry: Input, participants: ParticipantCounter) -> Iterator[Chat]:
    """Reads the chats of an input in a worker process, which also counts their messages.

    Args:
        source: The source.
        entry: The input.
        participants: Receives the counts when the input is read to its end.

    Yields:
        The chats. Unread messages of a chat are skipped when the next chat is requested.

    Raises:
        AccError: Any error that reading the input in this process would raise.
        StageError: The worker process was killed.
    """
    context = multiprocessing.get_context("spawn")
    receiving_end, sending_end = context.Pipe(duplex=False)
    arguments = (source.with_progress(silent_progress), entry, sending_end)
    worker = context.Process(target=_read_in_worker, args=arguments, daemon=True)
    worker.start()
    sending_end.close()
    try:
        with ProgressReplay(source.run.progress) as progress:
            events = _chat_events(receiving_end, source.run, progress, participants)
            for event in events:
                assert isinstance(event, ChatStart)
                batches = _message_batches(events)
                yield Chat.of_batches(event.id, event.title, event.kind, batches, event.skip)
                deque(batches, maxlen=0)
    finally:
        receiving_end.close()
        worker.terminate()
        worker.join()


def _chat_events(
    receiving_end: Connection, run: RunContext, progress: ProgressReplay, participants: ParticipantCounter
) -> Iterator[ChatEvent]:
    """Yields the events that describe chats, and handles all others, until the worker has finished."""
    for event in receive_events(receiving_end):
        match event:
            case ProgressOpen() | ProgressAdvance() | ProgressClose():
                progress.handle(event)
            case LogRecord():
                event.replay(run.log)
            case Failure():
                raise event.error
            case Finished():
                participants.merge(event.participants)
                return
            case _:
                yield event


def _message_batches(events: Iterator[ChatEvent]) -> Iterator[MessageBatch]:
    """Yields the message batches of the current chat, up to its end."""
    decode = BatchDecoder()
    for event in events:
        if isinstance(event, ChatEnd):
            return
        assert not isinstance(event, ChatStart)
        yield decode(event)


def _read_in_worker(source: BoundStage[SourceType], entry: Input, sending_end: Connection) -> None:
    """Reads an input and sends its chats; runs in the worker process."""
    restore_default_signals()
    sender = EventSender(sending_end)
    forward_logs(sender.send)
    source = source.with_progress(forwarded_progress(sender.send, sender.queue))
    with contextlib.suppress(BrokenPipeError):  # the main process does not read any more
        try:
            participants = ParticipantCounter()
            for chat in read_chats(source, entry):
                chat.tap(participants.count_batches)
                sender.send(ChatStart(chat.id, chat.title, chat.kind, chat.skip))
                for batch in chat.batches:
                    sender.send_batch(batch)
                sender.send(ChatEnd())
            sender.send(Finished(participants))
        except AccError as error:
            sender.send(Failure(error))
