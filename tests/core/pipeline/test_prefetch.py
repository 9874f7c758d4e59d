"""Prefetching in a worker process: the same chats, the same counts, the same errors."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from msgspec import structs

from autocakechat import Chat, Input, Message, MessageBatch, RunContext, SourceType, UserError
from autocakechat.errors import PluginError, StageError
from autocakechat.pipeline.reading.extraction import BoundStage, read_chats
from autocakechat.pipeline.reading.prefetch import is_worthwhile, prefetch_chats
from autocakechat.pipeline.reading.prefetch_protocol import receive_events
from autocakechat.statistics.participants import ParticipantCounter

LONE_SURROGATE = "\ud83d"
NAMES = ("Ann", "Bob", f"half a character {LONE_SURROGATE}")


@attrs.frozen(kw_only=True)
class Options:
    """The number of messages of each chat."""

    sizes: tuple[int, ...] = (3, 0, 700)


def make_message(number: int) -> Message:
    """Makes photos, forwards and texts; some texts have a lone surrogate, which MessagePack cannot encode."""
    kind, own_words, text = "text", True, f"text {number}"
    if number % 7 == 0:
        kind, text = "photo", ""
    elif number % 11 == 0:
        kind, own_words = "forward", False
    if text and number % 5 == 0:
        text += f" {LONE_SURROGATE}"
    return Message(
        id=number,
        sender=f"user{number % 3}",
        sender_name=NAMES[number % 3],
        text=text,
        sent=100 * number,
        reply_to=number - 1 or None,
        kind=kind,
        own_words=own_words,
        outgoing=number % 2 == 0,
    )


# The functions of the source are module-level functions: a worker process imports them.
def read(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    with run.progress("reading", total=sum(options.sizes)) as progress:
        for number, size in enumerate(options.sizes):
            skip = "not wanted" if number == 1 else None
            yield Chat(f"chat{number}", f"Chat {number}", "test", map(make_message, range(size)), skip)
            run.log.warning("chat %d was read", number)
            progress.advance(size, chat=str(number))


def read_with_a_bug(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    def messages() -> Iterator[Message]:
        yield from map(make_message, range(300))
        raise ZeroDivisionError("no message 300")

    yield Chat("chat", None, "test", messages())


def refuse(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    raise UserError("log.txt: damaged", "export again")
    yield


def read_until_exit(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    yield Chat("chat", None, "test", map(make_message, range(3)))
    sys.exit(0)


def read_wrong_messages(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    yield Chat("chat", None, "test", (structs.replace(make_message(number), sent="1") for number in range(3)))


def read_until_killed(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    yield Chat("chat", None, "test", map(make_message, range(3)))
    os.kill(os.getpid(), signal.SIGKILL)


def no_inputs(options: Options) -> list[Input]:
    return []


@attrs.define
class RecordingProgress:
    """A progress display that records its calls."""

    calls: list[Any] = attrs.Factory(list)

    def __call__(self, title: str, total: float | None = None, unit: str = "") -> RecordingProgress:
        self.calls.append((title, total, unit))
        return self

    def __enter__(self) -> RecordingProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append("closed")

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        self.calls.append((steps, figures))


def make_source(run: RunContext, read: Callable[..., Iterator[Chat]], **options: Any) -> BoundStage[SourceType]:
    stage = SourceType(name="test", summary="a test", config=Options, inputs=no_inputs, read=read)
    return BoundStage(stage, Options(**options), run, "test-plugin")


@pytest.fixture
def entry(tmp_path: Path) -> Input:
    (tmp_path / "log.txt").write_text("x" * 1000)
    return Input("log.txt", (tmp_path / "log.txt",))


def contents(chats: Iterator[Chat]) -> list[Any]:
    return [(chat.id, chat.title, chat.kind, chat.skip, list(chat.messages)) for chat in chats]


def count_messages(chats: Iterator[Chat], participants: ParticipantCounter) -> Iterator[Chat]:
    for chat in chats:
        chat.tap(participants.count_batches)
        yield chat


def test_a_worker_reads_the_same_as_this_process(
    run: RunContext, entry: Input, caplog: pytest.LogCaptureFixture
) -> None:
    progress, counts = RecordingProgress(), ParticipantCounter()
    source = make_source(attrs.evolve(run, progress=progress), read)
    expected = contents(count_messages(read_chats(source, entry), counts))
    assert [len(messages) for *_, messages in expected] == [3, 0, 700]

    caplog.clear()
    worker_progress, worker_counts = RecordingProgress(), ParticipantCounter()
    source = make_source(attrs.evolve(run, progress=worker_progress), read)
    with caplog.at_level(logging.WARNING):
        assert contents(prefetch_chats(source, entry, worker_counts)) == expected
    assert worker_progress.calls == progress.calls
    assert worker_counts.ranking() == counts.ranking()
    assert worker_counts.kinds() == counts.kinds()
    assert worker_counts.gaps() == counts.gaps()
    assert caplog.messages == [f"chat {number} was read" for number in (0, 1, 2)]
    assert not multiprocessing.active_children()


def test_unread_messages_of_a_chat_are_skipped(run: RunContext, entry: Input) -> None:
    chats = prefetch_chats(make_source(run, read, sizes=(5000, 5000, 2)), entry, ParticipantCounter())
    assert next(next(chats).messages).text == ""
    assert next(chats).id == "chat1"
    assert [message.position for message in next(chats).messages] == [0, 1]


def test_closing_the_generator_ends_the_worker(run: RunContext, entry: Input) -> None:
    chats = prefetch_chats(make_source(run, read, sizes=(1_000_000,)), entry, ParticipantCounter())
    batch = next(next(chats).batches)
    assert isinstance(batch, MessageBatch)
    chats.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("read", "error", "message"),
    [
        (refuse, UserError, "log.txt: damaged; export again"),
        (read_with_a_bug, PluginError, "test-plugin.*no message 300"),
        (
            read_until_exit,
            PluginError,
            r"test-plugin: failed with SystemExit: 0 .*; tests/core/pipeline/test_prefetch.py:",
        ),
        (
            read_wrong_messages,
            PluginError,
            r"a message whose sent is '1' \(str\), expected int \(chat 'chat', message 1\)",
        ),
        (
            read_until_killed,
            StageError,
            "a worker process was killed while reading; the machine may be out of memory",
        ),
    ],
)
def test_an_error_of_the_worker_is_raised_here(
    run: RunContext, entry: Input, read: Callable[..., Iterator[Chat]], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        contents(prefetch_chats(make_source(run, read), entry, ParticipantCounter()))
    for process in multiprocessing.active_children():
        process.join(10)
    assert not multiprocessing.active_children()


def test_a_worker_killed_in_the_middle_of_a_transfer_is_an_error_too() -> None:
    receiving, sending = multiprocessing.Pipe(duplex=False)
    os.write(sending.fileno(), (1000).to_bytes(4, "big") + b"the first of a thousand bytes")
    sending.close()
    with pytest.raises(StageError, match="a worker process was killed while reading"):
        next(receive_events(receiving))


def test_only_large_inputs_are_prefetched(run: RunContext, entry: Input) -> None:
    source = make_source(run, read)
    assert not is_worthwhile(source, entry, cpus=2)
    assert is_worthwhile(source, entry, cpus=2, min_bytes=1)
    assert not is_worthwhile(source, entry, cpus=1, min_bytes=1)
    unpicklable = make_source(run, lambda *_: iter(()))
    assert not is_worthwhile(unpicklable, entry, cpus=2, min_bytes=1)
