"""Reads an input in a process of its own, ahead of what becomes of its messages in this one.

To decode a log takes about as long as to pair its messages and to write the corpus, so on two processors both are done
in about three quarters of the time. The messages come through a pipe: when it is full, the reading process waits.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Literal

import msgspec

from autocakechat.display.progress import silent_progress
from autocakechat.errors import AccError, StageError
from autocakechat.interface.chatlog import Chat, MessageBatch
from autocakechat.interface.run_context import Progress, RunContext
from autocakechat.interface.stage_types import Input
from autocakechat.pipeline.extraction import BoundStage, read_chats
from autocakechat.pipeline.worker_processes import end_with_signals, is_picklable, log_to, processors
from autocakechat.statistics.participants import ParticipantCounter

# To start a process takes about as long as reading half of this.
_LEAST_BYTES = 64_000_000
_LEAST_TOLD = 1 << 18

_Kind = Literal["chat", "messages", "end of chat", "open progress", "advance", "close progress", "log", "error", "done"]


def is_worthwhile(source: BoundStage, entry: Input) -> bool:
    """Tells whether reading an input in another process is faster, and possible."""
    if processors() < 2 or sum(path.stat().st_size for path in entry.paths) < _LEAST_BYTES:
        return False
    return is_picklable(source)


def read_ahead(source: BoundStage, entry: Input, census: ParticipantCounter) -> Iterator[Chat]:
    """Reads the chats of an input in another process, and counts their messages there.

    Args:
        source: What reads.
        entry: What to read.
        census: Learns who wrote how much, when all is read.

    Yields:
        The chats. Whatever is left of one is passed over when the next is asked for.

    Raises:
        AccError: What reading it here would raise.
        StageError: The process was killed.
    """
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(source.with_progress(silent_progress), entry, sending), daemon=True)
    process.start()
    sending.close()
    try:
        with ExitStack() as shown:
            told = _told(receiving, source.run, shown, census)
            for _, chat in told:
                batches = _batches(told)
                yield Chat.of_batches(batches=batches, **chat)
                deque(batches, maxlen=0)
    finally:
        receiving.close()
        process.terminate()
        process.join()


def _told(
    receiving: Connection, run: RunContext, shown: ExitStack, census: ParticipantCounter
) -> Iterator[tuple[_Kind, Any]]:
    """Yields what the reading process tells of chats, and does what else it asks for, until it is done."""
    progress: Progress | None = None
    for kind, value in _received(receiving):
        if kind == "done":
            census.merge(value)
            return
        if kind == "error":
            raise value
        if kind == "log":
            run.log.log(value[0], "%s", value[1])
        elif kind == "open progress":
            progress = shown.enter_context(run.progress(*value))
        elif kind == "close progress":
            shown.close()
        elif kind == "advance":
            assert progress
            progress.advance(value[0], **value[1])
        else:
            yield kind, value


def _received(receiving: Connection) -> Iterator[tuple[_Kind, Any]]:
    while True:
        try:
            told = receiving.recv_bytes()
        except (EOFError, OSError):  # it ended between two messages, or in the middle of one
            raise StageError("a process that read was killed", "is there enough memory?") from None
        yield from pickle.loads(told)  # noqa: S301 - this program wrote it


def _batches(told: Iterator[tuple[_Kind, Any]]) -> Iterator[MessageBatch]:
    decode = msgspec.msgpack.Decoder(MessageBatch).decode
    for kind, value in told:
        if kind == "end of chat":
            return
        yield decode(value) if isinstance(value, bytes) else value


def _read(source: BoundStage, entry: Input, sending: Connection) -> None:
    """Runs in the other process: reads, and tells what it reads."""
    end_with_signals()
    tell = _Teller(sending)
    log_to(lambda level, message: tell("log", (level, message)))
    here = source.with_progress(partial(_told_progress, tell))
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more
        try:
            census = ParticipantCounter()
            for chat in read_chats(here, entry):
                chat.tap(census.count_batches)
                tell("chat", {"id": chat.id, "title": chat.title, "kind": chat.kind, "skip": chat.skip})
                for batch in chat.batches:
                    tell.messages(batch)
                tell("end of chat")
            tell("done", census)
        except AccError as error:
            tell("error", error)


class _Teller:
    """Tells the process that listens what was read; many batches of messages at once, so that it is seldom woken."""

    def __init__(self, sending: Connection) -> None:
        self._sending = sending
        self._encode = msgspec.msgpack.Encoder().encode
        self._waiting: list[tuple[_Kind, Any]] = []
        self._size = 0

    def __call__(self, kind: _Kind, value: Any = None) -> None:
        """Tells something, and all that waits."""
        self._waiting.append((kind, value))
        self._sending.send_bytes(pickle.dumps(self._waiting, pickle.HIGHEST_PROTOCOL))
        self._waiting.clear()
        self._size = 0

    def messages(self, batch: MessageBatch) -> None:
        """Tells of messages, sooner or later."""
        batch.positions = ()
        try:
            encoded = self._encode(batch)
        except UnicodeEncodeError:  # half a character, which pickle can write
            self("messages", batch)
            return
        self._size += len(encoded)
        if self._size > _LEAST_TOLD:
            self("messages", encoded)
        else:
            self._waiting.append(("messages", encoded))

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Tells how far it has come, sooner or later."""
        self._waiting.append(("advance", (steps, figures)))


@contextmanager
def _told_progress(tell: _Teller, title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
    tell("open progress", (title, total, unit))
    yield tell
    tell("close progress")
