"""Starts the bot as a process of its own, and kills it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from tests.deployers.telegram.support.bot_api import BotApi, Call, Fault
from tests.processes import Process

PROGRAM = str(Path(__file__).with_name("serve_on_telegram.py"))


def start(
    api: BotApi,
    state: Path,
    thinks: float = 0.0,
    allow: str = "1",
    log: Path | None = None,
    kilobytes: int = 0,
    preload: Path | None = None,
) -> Process:
    """Starts the program `serve_on_telegram`.

    Args:
        api: Where it connects to.
        state: Where it keeps what it keeps.
        thinks: Seconds that its model thinks.
        allow: Who is invited.
        log: Where its standard error goes, instead of a pipe.
        kilobytes: How large a file may get; 0 for any size.
        preload: A library to load into it.
    """
    with log.open("w") if log else nullcontext() as file:
        return Process(
            [sys.executable, PROGRAM, api.url, str(state), str(thinks), allow, str(kilobytes)],
            env=dict(os.environ, TOKEN=api.token) | ({"LD_PRELOAD": str(preload)} if preload else {}),
            stdout=subprocess.PIPE,
            stderr=file or subprocess.PIPE,
            text=True,
        )


class Killer:
    """Starts the bot again and again, and kills it at random calls: just before or just after they take effect.

    Args:
        api: Where it connects to.
        state: Where it keeps what it keeps.
        kills: How often to kill it.
        seed: Of when.
        preload: A library to load into it.
        afterwards: What to do between a kill and the next start.
    """

    def __init__(
        self,
        api: BotApi,
        state: Path,
        kills: int,
        seed: int,
        preload: Path | None = None,
        afterwards: Callable[[Path], None] = lambda state: None,
    ) -> None:
        self.kills = 0
        self._api = api
        self._state = state
        self._most = kills
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._preload = preload
        self._afterwards = afterwards
        self._process = start(api, state, preload=preload)
        self._thread = threading.Thread(target=self._supervise)

    def __enter__(self) -> Killer:
        self._api.fault = self._perhaps_kill
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._process.kill()
        self._thread.join()

    def _supervise(self) -> None:
        while True:
            self._process.communicate()
            if self._closing.is_set():
                return
            self._afterwards(self._state)
            self._process = start(self._api, self._state, preload=self._preload)

    def _perhaps_kill(self, call: Call) -> Fault | None:
        with self._lock:
            worth_it = call.method == "sendMessage" or (call.method == "getUpdates" and self._api.pending)
            if not worth_it or self.kills >= self._most or self._random.random() > 0.2:
                return None
            self.kills += 1
            time.sleep(self._random.random() * 0.02)
            self._process.kill()
            return Fault(done=self._random.random() < 0.5)


def converse(api: BotApi, killer: Killer, messages: int, kills: int) -> list[str]:
    """Writes messages until there were enough, and enough kills; returns them once the last one is answered."""
    order = random.Random(11)
    wanted = []
    while len(wanted) < messages or killer.kills < kills:
        wanted.append(f"message {len(wanted)}")
        api.write(wanted[-1])
        time.sleep(order.random() * 0.1 if len(wanted) < messages else 0.2)
    api.wait(lambda: api.texts() and api.texts()[-1].endswith(wanted[-1]), seconds=120)
    return wanted


def answered_and_doubled(texts: list[str]) -> tuple[list[str], int]:
    """The messages that answers answer, in the order of the answers, and how many answers came again."""
    once = list(dict.fromkeys(texts))
    return [line for text in once for line in text.removeprefix("answer to ").split("\n")], len(texts) - len(once)
