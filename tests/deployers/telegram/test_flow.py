"""The whole way: `acc run` learns from a Telegram export and answers on Telegram, with a really trained model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.deployers.telegram.support.bot_api import TOKEN, BotApi
from tests.processes import Process

PIPELINE = """
[[source]]
use = "telegram"

[extractor]
use = "turns"
server = "user1000001"

[trainer]
use = "cakechat"
size = "tiny"
vocabulary = 300
epochs = 1
min_pairs = 10

[deployer]
use = "telegram"
token = {{ env = "TOKEN" }}
allow = [1, 2]
base_url = "{url}"
settle = 0.05
"""


@pytest.fixture(scope="module")
def server() -> Iterator[BotApi]:
    api = BotApi()
    yield api
    api.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, server: BotApi) -> Path:
    folder = tmp_path_factory.mktemp("bot")
    exporter = ROOT / "examples" / "demo" / "chitchat_export.py"
    subprocess.run([sys.executable, exporter, folder / "tg_data", "--conversations", "25"], check=True)
    (folder / "pipeline.toml").write_text(PIPELINE.format(url=server.url))
    return folder


def acc(folder: Path, *arguments: str, token: str | None = TOKEN) -> Process:
    environment = {name: value for name, value in os.environ.items() if name != "TOKEN"}
    return Process(
        [sys.executable, "-m", "autocakechat", *arguments],
        cwd=folder,
        env=environment | ({"TOKEN": token} if token else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_run_trains_and_answers_and_deploy_starts_at_once(folder: Path, server: BotApi) -> None:
    with acc(folder, "run", "pipeline.toml") as process:
        server.write("hi, how are you?", chat=1)
        server.write("what do you like?", chat=2)
        server.write("who are you?", chat=3)
        server.wait(lambda: all(server.texts(chat) for chat in (1, 2, 3)), seconds=300)
        process.send_signal(signal.SIGTERM)
        out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert TOKEN not in out + log
    words = next(folder.rglob("train.jsonl")).read_text("utf-8").lower()
    for chat in (1, 2):
        answers = [word for text in server.texts(chat) for word in text.lower().split()]
        assert answers
        assert sum(word.strip(".,!?") in words for word in answers) / len(answers) > 0.9
    assert server.texts(3) == ["Sorry, I talk only with people I was made for."]

    with acc(folder, "deploy", "pipeline.toml", "--state", "kept") as process:
        answered = len(server.texts(1))
        server.write("and now?", chat=1)
        server.wait(lambda: len(server.texts(1)) > answered, seconds=120)
        process.send_signal(signal.SIGINT)
        out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert "training" not in log
    kept = {file.name for file in (folder / "kept").iterdir()}
    assert {f"bot-{TOKEN.partition(':')[0]}.sqlite3", "heartbeat"} <= kept


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "environment variable TOKEN is not set"),
        ("not a token", "the bot's token is malformed"),
        ("4242:REVOKED-by_its_owner", "Telegram refused the bot's token"),
    ],
)
def test_a_bad_token_is_one_line_and_status_2(folder: Path, token: str | None, said: str) -> None:
    with acc(folder, "deploy", "pipeline.toml", token=token) as process:
        out, log = process.communicate(timeout=120)
    assert process.returncode == 2
    assert said in log.splitlines()[-1]
    assert "Traceback" not in log
    assert out == ""
    assert token is None or token not in log


def test_nothing_kept_of_chats_lies_in_the_model_folder(folder: Path) -> None:
    kept = [file.relative_to(folder) for file in folder.rglob("bot-*.sqlite3")]
    assert kept
    assert not [file for file in kept if any(part.startswith("model") for part in file.parts)]


def test_allow_has_no_default(folder: Path) -> None:
    (folder / "open.toml").write_text((folder / "pipeline.toml").read_text().replace("allow = [1, 2]", ""))
    with acc(folder, "deploy", "open.toml") as process:
        _, log = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "allow" in log
    assert TOKEN not in log
