"""End to end: `acc run` trains a real model on a Telegram export, and the bot replies on Telegram."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Template

import pytest

from autocakechat.cli.main import main
from autocakechat.plugins.deployers.telegram.receiving.admission import NO_ACCESS_NOTICE
from tests.conftest import ROOT
from tests.deployers.telegram.support.bot_api import TOKEN, BotApi
from tests.deployers.telegram.test_systemd import documented_command
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

RunAcc = Callable[..., tuple[object, str, str]]


@pytest.fixture(scope="module")
def api() -> Iterator[BotApi]:
    api = BotApi()
    yield api
    api.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, api: BotApi) -> Path:
    folder = tmp_path_factory.mktemp("bot")
    exporter = ROOT / "examples" / "demo" / "chitchat_export.py"
    subprocess.run([sys.executable, exporter, folder / "tg_data", "--conversations", "25"], check=True)
    (folder / "pipeline.toml").write_text(PIPELINE.format(url=api.url))
    return folder


def start_acc(folder: Path, *arguments: str, token: str = TOKEN) -> Process:
    return Process(
        [sys.executable, "-m", "autocakechat", *arguments],
        cwd=folder,
        env=os.environ | {"TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def run_acc(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[RunAcc]:
    """Runs `acc` in the test process: `run_acc(*arguments, token=...)` returns exit status, stdout and stderr."""
    sigterm_handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str, token: str | None = TOKEN) -> tuple[object, str, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["acc", *arguments])
        if token is None:
            monkeypatch.delenv("TOKEN", raising=False)
        else:
            monkeypatch.setenv("TOKEN", token)
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, *capsys.readouterr()

    yield run
    signal.signal(signal.SIGTERM, sigterm_handler)


def test_run_trains_and_replies_and_deploy_starts_without_training(folder: Path, api: BotApi) -> None:
    with start_acc(folder, "run", "pipeline.toml") as process:
        api.write("hi, how are you?", chat=1)
        api.write("what do you like?", chat=2)
        api.write("who are you?", chat=3)
        api.wait(lambda: all(api.texts(chat) for chat in (1, 2, 3)), seconds=300)
        process.send_signal(signal.SIGTERM)
        out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert TOKEN not in out + log
    training_set = next(folder.rglob("train.jsonl")).read_text("utf-8").lower()
    for chat in (1, 2):
        words = [word for text in api.texts(chat) for word in text.lower().split()]
        assert words
        assert sum(word.strip(".,!?") in training_set for word in words) / len(words) > 0.9
    assert api.texts(3) == [NO_ACCESS_NOTICE]

    # As systemd starts it; the file replaces the token of pipeline.toml.
    (model,) = (folder / ".acc/model").glob("*")
    shutil.copytree(model, folder / "model")
    (folder / "credentials").mkdir()
    (folder / "credentials/token").write_text(f"{TOKEN}\n")
    folders = {"STATE_DIRECTORY": str(folder / "state"), "CREDENTIALS_DIRECTORY": str(folder / "credentials")}
    arguments = [Template(argument).substitute(folders) for argument in documented_command()]
    with start_acc(folder, *arguments, token="") as process:
        sent = len(api.texts(1))
        api.write("and now?", chat=1)
        api.wait(lambda: len(api.texts(1)) > sent, seconds=120)
        process.send_signal(signal.SIGINT)
        out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert "training" not in log
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d started bot=@PersonBot ", log, re.M)
    state_files = {file.name for file in (folder / "state").iterdir()}
    assert {f"bot-{TOKEN.partition(':')[0]}.sqlite3", "heartbeat"} <= state_files


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "environment variable TOKEN is not set"),
        ("not a token", "the bot's token is malformed"),
        ("4242:REVOKED-by_its_owner", "Telegram rejected the bot's token"),
    ],
)
def test_a_bad_token_is_one_error_line_and_exit_status_2(run_acc: RunAcc, token: str | None, message: str) -> None:
    status, out, log = run_acc("deploy", "pipeline.toml", token=token)
    assert status == 2
    assert message in log.splitlines()[-1]
    assert "Traceback" not in log
    assert out == ""
    assert token is None or token not in log


def test_the_model_folder_contains_no_chat_data(folder: Path) -> None:
    databases = [file.relative_to(folder) for file in folder.rglob("bot-*.sqlite3")]
    assert databases
    assert not [file for file in databases if any(part.startswith("model") for part in file.parts)]


def test_allow_has_no_default(folder: Path, run_acc: RunAcc) -> None:
    (folder / "open.toml").write_text((folder / "pipeline.toml").read_text().replace("allow = [1, 2]", ""))
    status, _, log = run_acc("deploy", "open.toml")
    assert status == 2
    assert "allow" in log
    assert TOKEN not in log
