"""Many people, a bot with all its usual options, and a network that was really trained on the demo's chats.

`ACC_SOAK_MINUTES` says how long it goes on, `ACC_SOAK_MODEL` names a model folder to use instead of training one.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from autocakechat.plugins.deployers.telegram.replying.message_splitting import separate
from tests.conftest import ROOT
from tests.deployers.telegram.support.bot_api import BotApi
from tests.deployers.telegram.test_load import MINUTES, megabytes

PROGRAM = str(Path(__file__).with_name("support") / "serve_model_on_telegram.py")
DEMO = ROOT / "examples" / "demo"
CHATS, MESSAGES = 300, 10
SECONDS = min(600.0, 60 * MINUTES)  # in which each chat gets its messages
FALLBACK = "Sorry, I have no answer to that."
TAG = re.compile(r"#(\d+)\.(\d+)$", re.MULTILINE)

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, DEMO / "chitchat_export.py", folder / "tg_data"], check=True)
    return folder


@pytest.fixture(scope="module")
def model(demo: Path) -> Path:
    if given := os.environ.get("ACC_SOAK_MODEL"):
        return Path(given)
    shutil.copy(DEMO / "pipeline.toml", demo)
    acc = [sys.executable, "-m", "autocakechat", "run", "--until", "model", "--export-model", "model", "pipeline.toml"]
    subprocess.run(acc, cwd=demo, check=True)
    return demo / "model"


@pytest.fixture(scope="module")
def sayings(demo: Path) -> list[str]:
    """What people of the demo's chats wrote."""
    chats = json.loads((demo / "tg_data" / "result.json").read_text("utf-8"))["chats"]["list"]
    texts = [message.get("text") for chat in chats for message in chat["messages"]]
    return [" ".join(text.split()) for text in texts if isinstance(text, str) and text.strip()]


def answered(transcript: Path, skip: int) -> dict[int, list[tuple[list[int], list[str]]]]:
    """What the model was asked and answered in each chat: the numbers of a burst's messages, the answer's parts."""
    answers = defaultdict(list)
    for line in transcript.read_text("utf-8").splitlines()[skip:]:
        record = json.loads(line)
        tags = TAG.findall(record["burst"])
        assert len({chat for chat, _ in tags}) == 1, "chats are mixed"
        parts = separate(record["answer"].strip() or FALLBACK)
        answers[int(tags[0][0])].append(([int(number) for _, number in tags], parts))
    return answers


def write(api: BotApi, sayings: list[str], seed: int) -> dict[int, list[float]]:
    """Has people write at random times; returns when each chat's messages were written.

    Each message ends in a tag that tells it from the others: its chat and its number there.
    """
    chance = random.Random(seed)
    due = sorted((chance.random() * SECONDS, chat) for chat in range(1, CHATS + 1) for _ in range(MESSAGES))
    written: dict[int, list[float]] = defaultdict(list)
    begun = time.monotonic()
    for at, chat in due:
        time.sleep(max(0.0, begun + at - time.monotonic()))
        written[chat].append(time.monotonic())
        api.write(f"{chance.choice(sayings)} #{chat}.{len(written[chat])}", chat=chat)
    return written


def check(api: BotApi, written: dict[int, list[float]], transcript: Path, skip: int) -> list[float]:
    """Each message stands in one answered burst, each answer arrived, all in order; returns how long each waited."""

    def over() -> bool:
        answers = [answer for of_chat in answered(transcript, skip).values() for answer in of_chat]
        everything = sum(len(numbers) for numbers, _ in answers) >= CHATS * MESSAGES
        return everything and len(api.sent) >= sum(len(parts) for _, parts in answers)

    api.wait(over, seconds=300)
    waited = []
    for chat, answers in answered(transcript, skip).items():
        assert [number for numbers, _ in answers for number in numbers] == [*range(1, MESSAGES + 1)]
        sent = [message for message in api.sent if message["chat"]["id"] == chat]
        assert [message["text"] for message in sent] == [part for _, parts in answers for part in parts]
        arrivals = iter(message["at"] for message in sent)
        for numbers, parts in answers:
            first, *_ = [next(arrivals) for _ in parts]
            waited += [first - written[chat][number - 1] for number in numbers]
    return waited


def test_a_trained_model_answers_many_chats_for_a_long_time(
    api: BotApi, tmp_path: Path, model: Path, sayings: list[str]
) -> None:
    transcript = tmp_path / "transcript"
    transcript.touch()
    waited: list[float] = []
    memory: list[float] = []
    sent = 0
    log = tmp_path / "log"
    with (
        log.open("w") as file,
        subprocess.Popen(
            [sys.executable, PROGRAM, api.url, tmp_path, model, transcript],
            env=dict(os.environ, TOKEN=api.token),
            stderr=file,
        ) as process,
    ):
        api.wait(lambda: "getUpdates" in api.methods(), seconds=120)
        begun = time.monotonic()
        while not memory or time.monotonic() - begun <= 60 * MINUTES - SECONDS:
            answers = len(transcript.read_text("utf-8").splitlines())
            written = write(api, sayings, seed=len(memory))
            waited += check(api, written, transcript, skip=answers)
            memory.append(round(megabytes(process)))
            sent += len(api.sent)
            api.sent.clear()
            api.calls.clear()
        spent = time.monotonic() - begun
        process.terminate()
        process.wait(timeout=30)
    answers = len(transcript.read_text("utf-8").splitlines())
    p50, p95 = statistics.median(waited), statistics.quantiles(waited, n=20)[-1]
    print(f"{len(waited)} messages, {answers} answers ({sent} sent messages) in {spent:.0f} s: {answers / spent:.1f}/s")
    print(f"waited p50 {p50:.2f} s, p95 {p95:.2f} s, at most {max(waited):.1f} s; memory {memory} MB")
    assert process.returncode == 0, log.read_text()[-2000:]
    assert p95 < 30  # more than the usual 8 seconds of a burst: the machine may have other work
    assert memory[-1] - memory[len(memory) // 4] < 20
