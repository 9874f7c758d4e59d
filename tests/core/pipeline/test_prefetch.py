"""Reading in a process of its own: the same chats, the same account, the same errors."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat import Chat, Input, Message, MessageBatch, RunContext, SourceType, UserError
from autocakechat.errors import PluginError, StageError
from autocakechat.pipeline.extraction import BoundStage, read_chats
from autocakechat.pipeline.prefetch import _received, is_worthwhile, read_ahead
from autocakechat.statistics.participants import ParticipantCounter

NAMES = ("Ann", "Bob", "half a sign \ud83d")


@attrs.frozen(kw_only=True)
class Options:
    """How many messages there are in each of the chats."""

    sizes: tuple[int, ...] = (3, 0, 700)


def _message(number: int) -> Message:
    kind, own = ("photo", True) if number % 7 == 0 else ("forward", False) if number % 11 == 0 else ("text", True)
    text = "" if kind == "photo" else f"text {number} \ud83d" if number % 5 == 0 else f"text {number}"
    return Message(
        number,
        f"user{number % 3}",
        NAMES[number % 3],
        text,
        100 * number,
        number - 1 or None,
        kind,
        own,
        number % 2 == 0,
    )


def _chats(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    with run.progress("reading", total=sum(options.sizes)) as progress:
        for number, size in enumerate(options.sizes):
            skip = "not wanted" if number == 1 else None
            yield Chat(f"chat{number}", f"Chat {number}", "test", map(_message, range(size)), skip)
            run.log.warning("chat %d was read", number)
            progress.advance(size, chat=str(number))


def _broken(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    def messages() -> Iterator[Message]:
        yield from map(_message, range(300))
        raise ZeroDivisionError("no message 300")

    yield Chat("chat", None, "test", messages())


def _refused(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    raise UserError("log.txt: damaged", "export again")
    yield


def _killed(options: Options, entry: Input, run: RunContext) -> Iterator[Chat]:
    yield Chat("chat", None, "test", map(_message, range(3)))
    os.kill(os.getpid(), signal.SIGKILL)


@attrs.define
class Shown:
    """A display of progress that remembers what it was told."""

    told: list[Any] = attrs.Factory(list)

    def __call__(self, title: str, total: float | None = None, unit: str = "") -> Shown:
        self.told.append((title, total, unit))
        return self

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *_: object) -> None:
        self.told.append("closed")

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        self.told.append((steps, figures))


def source(run: RunContext, read: Callable[..., Iterator[Chat]], **options: Any) -> BoundStage:
    stage = SourceType(name="test", summary="a test", config=Options, inputs=lambda _: [], read=read)
    return BoundStage(attrs.evolve(stage, inputs=_no_inputs), Options(**options), run, "test-plugin")


def _no_inputs(options: Options) -> list[Input]:
    return []


@pytest.fixture
def entry(tmp_path: Path) -> Input:
    (tmp_path / "log.txt").write_text("x" * 1000)
    return Input("log.txt", (tmp_path / "log.txt",))


def told(chats: Iterator[Chat]) -> list[Any]:
    return [(chat.id, chat.title, chat.kind, chat.skip, list(chat.messages)) for chat in chats]


def test_the_same_chats_come_from_another_process(
    run: RunContext, entry: Input, caplog: pytest.LogCaptureFixture
) -> None:
    here, there, alone, ahead = Shown(), Shown(), ParticipantCounter(), ParticipantCounter()
    reading = source(attrs.evolve(run, progress=here), _chats)
    expected = told(count_batches(read_chats(reading, entry), alone))
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        reading = attrs.evolve(reading, run=attrs.evolve(run, progress=there))
        assert told(read_ahead(reading, entry, ahead)) == expected
    assert [len(messages) for *_, messages in expected] == [3, 0, 700]
    assert there.told == here.told
    assert (ahead.ranking(), ahead.kinds(), ahead.gaps()) == (alone.ranking(), alone.kinds(), alone.gaps())
    assert caplog.messages == [f"chat {number} was read" for number in (0, 1, 2)]
    assert not multiprocessing.active_children()


def count_batches(chats: Iterator[Chat], census: ParticipantCounter) -> Iterator[Chat]:
    for chat in chats:
        chat.tap(census.count_batches)
        yield chat


def test_what_nobody_wants_is_passed_over(run: RunContext, entry: Input) -> None:
    chats = read_ahead(source(run, _chats, sizes=(5000, 5000, 2)), entry, ParticipantCounter())
    assert next(next(chats).messages).text == ""
    assert next(chats).id == "chat1"
    assert [message.position for message in next(chats).messages] == [0, 1]


def test_reading_can_be_given_up(run: RunContext, entry: Input) -> None:
    chats = read_ahead(source(run, _chats, sizes=(1_000_000,)), entry, ParticipantCounter())
    first = next(next(chats).batches)
    assert isinstance(first, MessageBatch)
    chats.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("read", "error", "words"),
    [
        (_refused, UserError, "log.txt: damaged; export again"),
        (_broken, PluginError, "test-plugin.*no message 300"),
        (_killed, StageError, "a process that read was killed; is there enough memory"),
    ],
)
def test_what_goes_wrong_there_is_told_here(
    run: RunContext, entry: Input, read: Callable[..., Iterator[Chat]], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        told(read_ahead(source(run, read), entry, ParticipantCounter()))
    for process in multiprocessing.active_children():
        process.join(10)
    assert not multiprocessing.active_children()


def test_a_process_killed_while_it_tells_something_is_told_like_any_other() -> None:
    receiving, sending = multiprocessing.Pipe(duplex=False)
    os.write(sending.fileno(), (1000).to_bytes(4, "big") + b"the first of a thousand bytes")
    sending.close()
    with pytest.raises(StageError, match="a process that read was killed"):
        next(_received(receiving))


def test_little_is_read_here(run: RunContext, entry: Input, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = source(run, _chats)
    assert not is_worthwhile(reading, entry)
    monkeypatch.setattr("autocakechat.pipeline.prefetch._LEAST_BYTES", 1)
    monkeypatch.setattr("autocakechat.pipeline.prefetch.processors", lambda: 2)
    assert is_worthwhile(reading, entry)
    assert not is_worthwhile(source(run, lambda *_: iter(())), entry)
    monkeypatch.setattr("autocakechat.pipeline.prefetch.processors", lambda: 1)
    assert not is_worthwhile(reading, entry)
