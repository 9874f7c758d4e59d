"""The bot as a process: stopped, killed, started again."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pytest

from .bot_api import TOKEN, BotApi, Call, Fault

PROGRAM = str(Path(__file__).with_name("serve_on_telegram.py"))


def start(
    api: BotApi, state: Path, thinks: float = 0.0, allow: str = "1", log: Path | None = None, kilobytes: int = 0
) -> subprocess.Popen[str]:
    with log.open("w") if log else nullcontext() as file:
        return subprocess.Popen(
            [sys.executable, PROGRAM, api.url, str(state), str(thinks), allow, str(kilobytes)],
            env=dict(os.environ, TOKEN=api.token),
            stdout=subprocess.PIPE,
            stderr=file or subprocess.PIPE,
            text=True,
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_after_what_is_in_hand(api: BotApi, tmp_path: Path, number: signal.Signals) -> None:
    with start(api, tmp_path, thinks=1.0) as process:
        api.write("hi")
        api.wait(lambda: "sendChatAction" in api.methods())
        time.sleep(0.2)
        process.send_signal(number)
        out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert out == "deploy returned\n"
    assert api.texts() == ["answer to hi"]
    assert api.pending == []
    assert TOKEN not in out + log
    assert not [line for line in log.splitlines() if line.startswith(("httpx", "httpcore", "telegram"))]


def test_a_model_that_thinks_too_long_does_not_hold_up_the_stop_and_the_answer_comes_after_the_next_start(
    api: BotApi, tmp_path: Path
) -> None:
    with start(api, tmp_path, thinks=60.0) as process:
        api.write("hi")
        api.wait(lambda: "sendChatAction" in api.methods())
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        _out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert 9 < time.monotonic() - begun < 14
    with start(api, tmp_path) as process:
        api.wait(api.texts)
        process.terminate()
        process.communicate(timeout=30)
    assert api.texts() == ["answer to hi"]


def test_a_full_disk_ends_it_in_one_line_and_loses_nothing(api: BotApi, tmp_path: Path) -> None:
    written = 0
    with start(api, tmp_path, kilobytes=150, log=tmp_path / "log") as process:
        api.wait(lambda: "getUpdates" in api.methods())
        while process.poll() is None and written < 1000:
            written += 1
            api.write(f"<{written}>")
            time.sleep(0.02)
        process.kill()
    assert process.returncode == 1
    assert "nothing can be stored" in (tmp_path / "log").read_text().splitlines()[-1]
    with start(api, tmp_path, log=tmp_path / "log") as process:
        api.wait(lambda: f"<{written}>" in "".join(api.texts()))
        process.kill()
    answered = re.findall(r"<\d+>", "".join(dict.fromkeys(api.texts())))
    assert answered == [f"<{number}>" for number in range(1, written + 1)]


def test_a_signal_while_telegram_cannot_be_reached_stops_it_at_once(api: BotApi, tmp_path: Path) -> None:
    api.fault = lambda call: Fault(status=502)
    with start(api, tmp_path) as process:
        api.wait(lambda: len(api.calls) > 2)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=5)
    assert process.returncode == 0


def test_a_refused_token_ends_it_and_is_not_shown_in_the_traceback(api: BotApi, tmp_path: Path) -> None:
    with start(api, tmp_path) as process:
        api.wait(lambda: "getUpdates" in api.methods())
        api.token = "4242:another"
        api.write("hi")
        out, log = process.communicate(timeout=30)
    assert "UserError: Telegram refused the bot's token" in log
    assert TOKEN not in out + log


def test_counters_are_logged_on_sigusr1_and_the_token_is_not_in_ps(api: BotApi, tmp_path: Path) -> None:
    with start(api, tmp_path) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        api.write("hi")
        assert any("sent chat=1" in line for line in lines)
        assert TOKEN.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.send_signal(signal.SIGUSR1)
        assert any("counters received=1 answered=1" in line for line in lines)
        process.kill()


class Killer:
    """Starts the bot again and again, and kills it at random calls: just before or just after they take effect."""

    def __init__(self, api: BotApi, state: Path, kills: int, seed: int) -> None:
        self.kills = 0
        self._api = api
        self._state = state
        self._most = kills
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._process = start(api, state)
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
            self._process = start(self._api, self._state)

    def _perhaps_kill(self, call: Call) -> Fault | None:
        with self._lock:
            worth_it = call.method == "sendMessage" or (call.method == "getUpdates" and self._api.pending)
            if not worth_it or self.kills >= self._most or self._random.random() > 0.2:
                return None
            self.kills += 1
            time.sleep(self._random.random() * 0.02)
            self._process.kill()
            return Fault(done=self._random.random() < 0.5)


@pytest.mark.parametrize(("kills", "messages"), [(6, 60), pytest.param(100, 500, marks=pytest.mark.soak)])
def test_killed_at_any_moment_it_loses_nothing_and_doubles_at_most_what_was_being_sent(
    api: BotApi, tmp_path: Path, kills: int, messages: int
) -> None:
    order = random.Random(11)
    with Killer(api, tmp_path, kills, seed=5) as killer:
        for number in range(messages):
            api.write(f"message {number}")
            time.sleep(order.random() * 0.1)
        wanted = [f"message {number}" for number in range(messages)]
        while killer.kills < kills:
            wanted.append(f"message {len(wanted)}")
            api.write(wanted[-1])
            time.sleep(0.2)
        api.wait(lambda: api.texts() and api.texts()[-1].endswith(wanted[-1]), seconds=120)
    sent = Counter(api.texts())
    first_times = list(dict.fromkeys(api.texts()))
    answered = [line for text in first_times for line in text.removeprefix("answer to ").split("\n")]
    assert answered == wanted
    assert sum(sent.values()) - len(sent) <= killer.kills
    print(f"{killer.kills} kills, {len(wanted)} messages, {sum(sent.values()) - len(sent)} answers sent twice")
