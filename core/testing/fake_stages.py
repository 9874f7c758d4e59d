"""Small, fast and predictable stages, for the parts of a pipeline that a test is not about.

The source `test-log` reads lines of `name: text`. The trainer `test-echo` makes a model that replies to `hello` with
`echo hello`, or with `joy: echo hello` if the label is `joy`.
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

LABELS = ("neutral", "joy", "anger")
LOADED = "test-echo: loaded"  # the log line that shows that the model is loaded


@attrs.frozen(kw_only=True)
class LogOptions:
    """The options of the source `test-log`."""

    path: Path = option(help="the text file", affects_key=False)


@attrs.frozen(kw_only=True)
class EchoOptions:
    """The options of the trainer `test-echo`: none."""


@attrs.frozen(kw_only=True)
class EchoReplyOptions:
    """The options of `[reply]` for the trainer `test-echo`."""

    seconds: float = option(default=0.0, help="seconds that each batch of replies takes")


class Echo:
    """The model of `test-echo`: it repeats the last message.

    Args:
        seconds: The time that it takes for each batch of requests.
    """

    labels = LABELS
    context_lines = 3

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Replies to each request with its last message."""
        time.sleep(self._seconds)
        return [Reply(echo(request.context[-1], request.emotion)) for request in requests]


def echo(text: str, emotion: str = LABELS[0]) -> str:
    """Returns the reply of the model of `test-echo` to a message."""
    return f"echo {text}" if emotion == LABELS[0] else f"{emotion}: echo {text}"


def _inputs(options: LogOptions) -> Sequence[Input]:
    if not options.path.is_file():
        raise UserError(f"{options.path}: no such file", "create the chat log")
    return [Input(options.path.name, (options.path,))]


def _read(options: LogOptions, input: Input, run: RunContext) -> Iterator[Chat]:
    yield Chat(id="test", title="Test", kind="test", messages=_messages(input.paths[0]))


def _messages(path: Path) -> Iterator[Message]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            sender, _, text = line.strip().partition(": ")
            yield Message(id=number, sender=sender, sender_name=sender, text=text, sent=1_700_000_000 + 60 * number)


def _train(options: EchoOptions, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    replies = sum(len(dialog) // 2 for dialog in corpus.dialogs("train"))
    (into / "echo.txt").write_text("echo\n")
    return {"answers": replies}


def _load(folder: Path, options: EchoReplyOptions, run: RunContext) -> Echo:
    run.log.info(LOADED)
    return Echo(options.seconds)


@hookimpl
def acc_sources() -> Iterable[SourceType]:
    """Yields `test-log`."""
    yield SourceType(name="test-log", summary="lines of name: text", config=LogOptions, inputs=_inputs, read=_read)


@hookimpl
def acc_trainers() -> Iterable[TrainerType]:
    """Yields `test-echo`."""
    yield TrainerType(
        name="test-echo",
        summary="repeats the last message",
        config=EchoOptions,
        reply=EchoReplyOptions,
        train=_train,
        load=_load,
    )
