"""Runs the Telegram deployer in a process, and kills it."""

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
_KILL_PROBABILITY = 0.2


def start_bot(
    api: BotApi,
    state: Path,
    reply_delay: float = 0.0,
    allow: str = "1",
    log: Path | None = None,
    max_file_kilobytes: int = 0,
    preload: Path | None = None,
) -> Process:
    """Starts the program `serve_on_telegram`.

    Args:
        api: The Bot API server that it connects to.
        state: Its state folder.
        reply_delay: Seconds that each batch of replies takes.
        allow: The `allow` option: a user id or "everyone".
        log: File for its standard error, instead of a pipe.
        max_file_kilobytes: Maximum size of the files that it writes; 0 for no limit.
        preload: A library to load into it.
    """
    with log.open("w") if log else nullcontext() as file:
        return Process(
            [sys.executable, PROGRAM, api.url, str(state), str(reply_delay), allow, str(max_file_kilobytes)],
            env=dict(os.environ, TOKEN=api.token) | ({"LD_PRELOAD": str(preload)} if preload else {}),
            stdout=subprocess.PIPE,
            stderr=file or subprocess.PIPE,
            text=True,
        )


class Killer:
    """Restarts the bot again and again, and kills it at random calls, just before or just after they take effect.

    Args:
        api: The Bot API server that it connects to.
        state: Its state folder.
        max_kills: How many times to kill it.
        seed: Seed of the random calls.
        preload: A library to load into it.
        after_kill: Called with the state folder between a kill and the next start.
    """

    def __init__(
        self,
        api: BotApi,
        state: Path,
        max_kills: int,
        seed: int,
        preload: Path | None = None,
        after_kill: Callable[[Path], None] = lambda state: None,
    ) -> None:
        self.kills = 0
        self._api = api
        self._state = state
        self._max_kills = max_kills
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._preload = preload
        self._after_kill = after_kill
        self._process = start_bot(api, state, preload=preload)
        self._thread = threading.Thread(target=self._supervise)

    def __enter__(self) -> Killer:
        self._api.fault = self._kill_at_random
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
            self._after_kill(self._state)
            self._process = start_bot(self._api, self._state, preload=self._preload)

    def _kill_at_random(self, call: Call) -> Fault | None:
        with self._lock:
            transfers_messages = call.method == "sendMessage" or (call.method == "getUpdates" and self._api.pending)
            if not transfers_messages or self.kills >= self._max_kills or self._random.random() > _KILL_PROBABILITY:
                return None
            self.kills += 1
            time.sleep(self._random.random() * 0.02)
            self._process.kill()
            return Fault(takes_effect=self._random.random() < 0.5)


def converse(api: BotApi, killer: Killer, min_messages: int, min_kills: int) -> list[str]:
    """Writes messages until there were enough of them and enough kills, and waits for the last reply.

    Returns:
        The messages.
    """
    rng = random.Random(11)
    messages: list[str] = []
    while len(messages) < min_messages or killer.kills < min_kills:
        messages.append(f"message {len(messages)}")
        api.write(messages[-1])
        time.sleep(rng.random() * 0.1 if len(messages) < min_messages else 0.2)
    api.wait(lambda: api.texts() and api.texts()[-1].endswith(messages[-1]), seconds=120)
    return messages


def answered_messages(replies: list[str]) -> tuple[list[str], int]:
    """Returns the messages that replies reply to, in order, and the number of replies that were sent again."""
    distinct = list(dict.fromkeys(replies))
    messages = [line for reply in distinct for line in reply.removeprefix("reply to ").split("\n")]
    return messages, len(replies) - len(distinct)
