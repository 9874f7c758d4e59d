"""Many chats at once: everything answered, in order, in time, and memory does not grow."""

from __future__ import annotations

import os
import random
import re
import statistics
import subprocess
import time
from pathlib import Path

import pytest

from tests.deployers.telegram.support.bot_api import BotApi
from tests.deployers.telegram.support.killing import start

MINUTES = float(os.environ.get("ACC_SOAK_MINUTES", "30"))


def megabytes(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert match
    return int(match[1]) / 1024


def round_of(api: BotApi, chats: int, messages: int, seconds: float, number: int) -> list[float]:
    """Has many people write at random times; returns how long each message waited for its answer."""
    order = random.Random(number)
    due = sorted((order.random() * seconds, chat) for chat in range(1, chats + 1) for _ in range(messages))
    start, written, counts = time.monotonic(), {}, dict.fromkeys(range(1, chats + 1), 0)
    for at, chat in due:
        time.sleep(max(0.0, start + at - time.monotonic()))
        text = f"round {number} chat {chat} message {counts[chat]}"
        counts[chat] += 1
        written[text] = time.monotonic()
        api.write(text, chat=chat)
    deadline = time.monotonic() + 60
    while not written.keys() <= set(lines_sent(api)):
        assert time.monotonic() < deadline, sorted(written.keys() - set(lines_sent(api)))[:5]
        time.sleep(0.3)
    waited = []
    for chat in counts:
        answers = [message for message in api.sent if message["chat"]["id"] == chat]
        lines = [(line, message["at"]) for message in answers for line in lines_of(message["text"])]
        assert [line for line, _ in lines] == [f"round {number} chat {chat} message {i}" for i in range(messages)]
        waited += [at - written[line] for line, at in lines]
    return waited


def lines_of(text: str) -> list[str]:
    return text.removeprefix("answer to ").split("\n")


def lines_sent(api: BotApi) -> list[str]:
    return [line for message in list(api.sent) for line in lines_of(message["text"])]


@pytest.mark.parametrize(
    ("chats", "messages", "seconds", "minutes"),
    [pytest.param(50, 4, 5.0, 0.0), pytest.param(300, 10, 120.0, MINUTES, marks=pytest.mark.soak)],
)
def test_many_chats_are_answered_in_order_and_in_time(
    api: BotApi,
    tmp_path: Path,
    chats: int,
    messages: int,
    seconds: float,
    minutes: float,
) -> None:
    waited, memory = [], []
    with start(api, tmp_path, thinks=0.05, allow="everyone", log=tmp_path / "log") as process:
        api.wait(lambda: "getUpdates" in api.methods())
        begun = time.monotonic()
        while not waited or time.monotonic() - begun < 60 * minutes:
            waited += round_of(api, chats, messages, seconds, len(memory))
            memory.append(megabytes(process))
            api.sent.clear()
            api.calls.clear()
        spent = time.monotonic() - begun
        process.terminate()
        process.wait(timeout=30)
    p50, p95 = statistics.median(waited), statistics.quantiles(waited, n=20)[-1]
    print(f"{len(waited)} messages in {spent:.0f} s, waited p50 {p50:.2f} s, p95 {p95:.2f} s, memory {memory} MB")
    assert process.returncode == 0
    assert p95 < 20  # a few tenths where nobody else uses the machine
    assert memory[-1] - memory[len(memory) // 4] < 5
