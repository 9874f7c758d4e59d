"""A trainer whose workers add numbers: each step is an all-reduce, as with gradients, and the sum is the model."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from autocakechat import Corpus, Reply, Request, RunContext, TrainerType, hookimpl, option, write_whole


@attrs.frozen(kw_only=True)
class Options:
    """The options of the trainer `summing`."""

    steps: int = option(default=1, help="how many steps")
    pause: float = option(default=0.0, help="seconds of each step", affects_key=False)
    crash: bool = option(default=False, help="whether to fail", affects_key=False)
    processes: Path | None = option(default=None, help="where to write the ids of the processes", affects_key=False)


@attrs.frozen(kw_only=True)
class ReplyOptions:
    """The options of `[reply]`: none."""


@contextmanager
def sums(rank: int, addresses: Sequence[str]) -> Iterator[Any]:
    """Yields a function that adds the numbers of all workers; the chief is the hub."""
    if len(addresses) < 2:
        yield lambda number: number
        return
    host, _, port = addresses[0].rpartition(":")
    if rank:
        with _connect(host, int(port)) as connection, connection.makefile("rw") as file:
            yield lambda number: _exchange(file, number)
        return
    with socket.create_server(("", int(port))) as server:
        files = [server.accept()[0].makefile("rw") for _ in addresses[1:]]

        def add(number: int) -> int:
            total = number + sum(int(file.readline()) for file in files)
            for file in files:
                file.write(f"{total}\n")
                file.flush()
            return total

        yield add


def _exchange(file: Any, number: int) -> int:
    file.write(f"{number}\n")
    file.flush()
    return int(file.readline())


def _connect(host: str, port: int) -> socket.socket:
    while True:
        try:
            return socket.create_connection((host, port))
        except ConnectionRefusedError:
            time.sleep(0.1)


def _train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    config = json.loads(os.environ.get("TF_CONFIG", '{"cluster": {"worker": [""]}, "task": {"index": 0}}'))
    addresses, rank = config["cluster"]["worker"], config["task"]["index"]
    if options.processes:
        write_whole(options.processes / str(rank), str(os.getpid()).encode())
    checkpoint = run.state / "checkpoint.json"
    step, total = json.loads(checkpoint.read_text()) if checkpoint.exists() else (0, 0)
    run.log.info("starting at step %d", step)
    first_step = step
    dialogs = list(corpus.dialogs("train"))[rank :: len(addresses)]
    part = sum(len(utterance.text) for dialog in dialogs for utterance in dialog)
    with run.progress("adding", total=options.steps, unit="steps") as progress, sums(rank, addresses) as add:
        while step < options.steps:
            time.sleep(options.pause)
            if options.crash and rank:
                raise ZeroDivisionError("a bug")
            step, total = step + 1, total + add(part) * (step + 1)
            write_whole(checkpoint, json.dumps([step, total]).encode())
            progress.advance(1)
    (into / "sum.json").write_text(json.dumps(total))
    return {"sum": total, "workers": len(addresses), "first_step": first_step}


class Responder:
    """Replies with the sum."""

    labels = ("neutral",)
    context_lines = 1

    def __init__(self, total: int) -> None:
        self._total = total

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Replies to each request."""
        return [Reply(str(self._total)) for _ in requests]


def _load(folder: Path, options: ReplyOptions, run: RunContext) -> Responder:
    return Responder(json.loads((folder / "sum.json").read_text()))


@hookimpl
def acc_trainers() -> Iterable[TrainerType]:
    """Yields `summing`."""
    yield TrainerType(
        name="summing",
        summary="adds numbers",
        config=Options,
        reply=ReplyOptions,
        train=_train,
        load=_load,
        distributed="tensorflow",
    )
