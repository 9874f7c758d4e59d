"""Small stages that stand in for those a test is not about; real, but quick and easy to foresee.

The source `test-log` reads lines of `name: text`; the trainer `test-echo` makes a model that answers `echo` and the
last line, or with another mood `joy: echo` and the last line.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from autocakechat import (
    Chat,
    Corpus,
    Input,
    Message,
    Reply,
    Request,
    RunContext,
    SourceType,
    TrainerType,
    UserError,
    hookimpl,
    option,
)

MOODS = ("neutral", "joy", "anger")
LOADED = "test-echo: loaded"


@attrs.frozen(kw_only=True)
class LogOptions:
    """Options of the source `test-log`."""

    path: Path = option(help="the text file", affects_key=False)


@attrs.frozen(kw_only=True)
class EchoOptions:
    """Options of the trainer `test-echo`: there are none."""


@attrs.frozen(kw_only=True)
class EchoReplyOptions:
    """Options of `[reply]` with the trainer `test-echo`."""

    seconds: float = option(default=0.0, help="how long an answer takes")


class Echo:
    """Says what was said last.

    Args:
        seconds: How long it thinks.
    """

    labels = MOODS
    context_lines = 3

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Answers each with its last line."""
        time.sleep(self._seconds)
        return [Reply(echo(request.context[-1], request.emotion)) for request in requests]


def echo(text: str, emotion: str = MOODS[0]) -> str:
    """What the model of `test-echo` answers to a text, in a mood."""
    return f"echo {text}" if emotion == MOODS[0] else f"{emotion}: echo {text}"


def _inputs(options: LogOptions) -> Sequence[Input]:
    if not options.path.is_file():
        raise UserError(f"{options.path}: no such file", "write one")
    return [Input(options.path.name, (options.path,))]


def _read(options: LogOptions, input: Input, run: RunContext) -> Iterator[Chat]:
    yield Chat(id="test", title="Test", kind="test", messages=_messages(input.paths[0]))


def _messages(path: Path) -> Iterator[Message]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            sender, _, text = line.strip().partition(": ")
            yield Message(id=number, sender=sender, sender_name=sender, text=text, sent=1_700_000_000 + 60 * number)


def _train(options: EchoOptions, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    answers = sum(len(dialog) // 2 for dialog in corpus.dialogs("train"))
    (into / "echo.txt").write_text("echo\n")
    return {"answers": answers}


def _load(path: Path, reply: EchoReplyOptions, run: RunContext) -> Echo:
    run.log.info(LOADED)
    return Echo(reply.seconds)


@hookimpl
def acc_sources() -> Iterable[SourceType]:
    """Yields `test-log`."""
    yield SourceType(name="test-log", summary="lines of name: text", config=LogOptions, inputs=_inputs, read=_read)


@hookimpl
def acc_trainers() -> Iterable[TrainerType]:
    """Yields `test-echo`."""
    yield TrainerType(
        name="test-echo",
        summary="says again what was said last",
        config=EchoOptions,
        reply=EchoReplyOptions,
        train=_train,
        load=_load,
    )
