"""Load: many chats get all replies, in order and in time, and memory does not grow."""

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
from tests.deployers.telegram.support.bot_process import start_bot

MINUTES = float(os.environ.get("ACC_SOAK_MINUTES", "30"))


def resident_megabytes(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert match
    return int(match[1]) / 1024


def run_round(api: BotApi, chats: int, messages: int, seconds: float, round_number: int) -> list[float]:
    """Writes messages of many chats at random times and checks the replies.

    Returns:
        The latency of each message's reply in seconds.
    """
    rng = random.Random(round_number)
    schedule = sorted((rng.random() * seconds, chat) for chat in range(1, chats + 1) for _ in range(messages))
    counts = dict.fromkeys(range(1, chats + 1), 0)
    written_at: dict[str, float] = {}
    start = time.monotonic()
    for offset, chat in schedule:
        time.sleep(max(0.0, start + offset - time.monotonic()))
        text = f"round {round_number} chat {chat} message {counts[chat]}"
        counts[chat] += 1
        written_at[text] = time.monotonic()
        api.write(text, chat=chat)
    deadline = time.monotonic() + 60
    while not written_at.keys() <= set(answered_lines(api)):
        assert time.monotonic() < deadline, sorted(written_at.keys() - set(answered_lines(api)))[:5]
        time.sleep(0.3)
    latencies = []
    for chat in counts:
        replies = [message for message in api.sent if message["chat"]["id"] == chat]
        lines = [(line, message["at"]) for message in replies for line in lines_of(message["text"])]
        assert [line for line, _ in lines] == [f"round {round_number} chat {chat} message {i}" for i in range(messages)]
        latencies += [at - written_at[line] for line, at in lines]
    return latencies


def lines_of(reply: str) -> list[str]:
    """Returns the messages that a reply replies to."""
    return reply.removeprefix("reply to ").split("\n")


def answered_lines(api: BotApi) -> list[str]:
    return [line for message in list(api.sent) for line in lines_of(message["text"])]


@pytest.mark.parametrize(
    ("chats", "messages", "seconds", "minutes"),
    [pytest.param(50, 4, 5.0, 0.0), pytest.param(300, 10, 120.0, MINUTES, marks=pytest.mark.soak)],
)
def test_many_chats_get_replies_in_order_and_in_time(
    api: BotApi, tmp_path: Path, chats: int, messages: int, seconds: float, minutes: float
) -> None:
    latencies: list[float] = []
    memory: list[float] = []
    with start_bot(api, tmp_path, reply_delay=0.05, allow="everyone", log=tmp_path / "log") as process:
        api.wait(lambda: "getUpdates" in api.methods())
        start = time.monotonic()
        while not latencies or time.monotonic() - start < 60 * minutes:
            latencies += run_round(api, chats, messages, seconds, len(memory))
            memory.append(resident_megabytes(process))
            api.sent.clear()
            api.calls.clear()
        elapsed = time.monotonic() - start
        process.terminate()
        process.wait(timeout=30)
    p50, p95 = statistics.median(latencies), statistics.quantiles(latencies, n=20)[-1]
    print(f"{len(latencies)} messages in {elapsed:.0f} s, latency p50 {p50:.2f} s, p95 {p95:.2f} s, memory {memory} MB")
    assert process.returncode == 0
    assert p95 < 20  # a few tenths of a second on an idle machine
    assert memory[-1] - memory[len(memory) // 4] < 5
