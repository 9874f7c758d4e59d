"""The bot as a service of systemd: what it tells systemd, and the unit of the documentation."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deployers.telegram.support.bot_api import BotApi
from tests.deployers.telegram.support.bot_thread import BotThread
from tests.docs.pages import DOCS, blocks

MAX_EXPOSURE = 2.0

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


def documented_unit() -> str:
    """Returns the unit of the page."""
    (unit,) = [block.content for block in blocks(DOCS / "telegram.md") if block.language == "ini"]
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
    assert f"rates it {level[1]} of 10" in (DOCS / "telegram.md").read_text("utf-8")


def test_systemd_learns_that_the_bot_has_started_and_is_alive(
    api: BotApi, bot: Callable[..., BotThread], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        with bot():
            assert [systemd.recv(100), systemd.recv(100)] == [b"READY=1", b"WATCHDOG=1"]
