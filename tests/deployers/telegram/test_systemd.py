"""The bot as a service of systemd: what it tells systemd, and the unit of the documentation."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autocakechat import Request, RunContext, Secret
from autocakechat.plugins.deployers.telegram import maintenance
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.options import Options
from autocakechat.plugins.deployers.telegram.replying.health import Health
from autocakechat.plugins.deployers.telegram.replying.model_thread import ModelThread
from autocakechat.plugins.deployers.telegram.replying.reply_loop import ReplyLoop
from autocakechat.plugins.deployers.telegram.storage.records import Conversation
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import BotApi
from tests.deployers.telegram.support.bot_thread import BotThread
from tests.docs.pages import DOCS, blocks

MAX_EXPOSURE = 2.0

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


def documented_unit() -> str:
    """Returns the unit of the page."""
    (unit,) = [block.content for block in blocks(DOCS / "bots/telegram.md") if block.language == "ini"]
    return unit


def documented_command() -> list[str]:
    """Returns the command of the unit, without the program."""
    (command,) = re.findall(r"^ExecStart=(.*)$", documented_unit(), re.M)
    return shlex.split(command)[1:]


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as a file. It starts the interpreter of the tests, because its own program is not installed here."""
    file = tmp_path / "person-bot.service"
    file.write_text(documented_unit().replace("/srv/person-bot/.venv/bin/acc", sys.executable))
    return file


def analyze(*arguments: str | Path) -> tuple[int, str]:
    """Runs systemd-analyze; returns its status and its output."""
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@needs_systemd
def test_systemd_knows_every_line_of_the_documented_unit(unit: Path) -> None:
    assert analyze("verify", "--man=no", unit) == (0, "")


@needs_systemd
def test_the_documented_unit_exposes_little(unit: Path) -> None:
    status, shown = analyze("security", "--offline=true", unit)
    level = re.search(r"exposure level for person-bot\.service: ([\d.]+)", shown)
    if not level:
        pytest.skip(f"this version of systemd cannot analyze a file: {shown}")
    assert status == 0
    assert float(level[1]) <= MAX_EXPOSURE
    assert f"rates it {level[1]} of 10" in (DOCS / "bots/telegram.md").read_text("utf-8")


def test_systemd_learns_that_the_bot_has_started_and_is_alive(
    api: BotApi, bot: Callable[..., BotThread], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        with bot():
            assert [systemd.recv(100), systemd.recv(100)] == [b"READY=1", b"WATCHDOG=1"]


@pytest.mark.parametrize("sent", [(), ("one", "two")])
def test_a_bot_that_hangs_is_not_alive_until_it_replies_again(
    api: BotApi,
    bot: Callable[..., BotThread],
    run: RunContext,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    sent: Sequence[str],
) -> None:
    """The model hangs in its first call; messages that wait meanwhile do not change that."""

    def reply(request: Request) -> str:
        called.set()
        released.wait(60)
        return "ok"

    called, released = threading.Event(), threading.Event()
    heartbeat = run.state / "heartbeat"
    monkeypatch.setattr(maintenance, "HEARTBEAT_INTERVAL", 0.02)
    with bot(responder=Echo(reply), hangs_after=3):
        api.wait(heartbeat.exists)
        api.write("hi")
        api.wait(called.is_set)
        for text in sent:
            api.write(text, chat=2)
        api.wait(lambda: "bot hangs" in caplog.text)
        heartbeat.unlink()
        time.sleep(0.3)
        assert not heartbeat.exists()
        released.set()
        api.wait(heartbeat.exists)
    assert caplog.text.count('bot hangs reason="a call of the model has run for') == 1
    assert caplog.text.count("bot replies again") == 1


def test_messages_that_nobody_replies_to_mean_that_the_bot_hangs(run: RunContext) -> None:
    with closing(ConversationStore(run.state / "bot.sqlite3")) as store:
        thread = ModelThread()
        event_log = EventLog(run.log)
        options = Options(token=Secret(env="TOKEN"), allow="everyone", settle=0.0)
        loop = ReplyLoop(Echo(), thread, store, options, event_log, on_replies=lambda: None)
        health = Health(thread, loop, 0.2)
        store.add_message(Conversation(1), 1, "hi", None, needs_reply=True)
        assert health.problem() is None
        time.sleep(0.4)
        assert re.fullmatch(r"messages have waited for \d+ s", health.problem() or "")
        later = Health(thread, ReplyLoop(Echo(), thread, store, options, event_log, on_replies=lambda: None), 0.2)
        assert later.problem() is None, "a message from before the start counts from the start"


def test_a_call_that_just_started_is_not_why_messages_wait() -> None:
    """As when calls fail, and are tried again."""
    thread: Any = SimpleNamespace(running_seconds=0.2)
    loop: Any = SimpleNamespace(seconds_without_progress=400.0)
    assert Health(thread, loop, 300).problem() == "messages have waited for 400 s"
    thread.running_seconds = 399.0
    assert Health(thread, loop, 300).problem() == "a call of the model has run for 399 s"
