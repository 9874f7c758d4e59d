"""The bot as a process: stopped, killed, started again."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.deployers.telegram.support.bot_api import TOKEN, BotApi, Fault
from tests.deployers.telegram.support.killing import Killer, answered_and_doubled, converse, start


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


def test_a_crash_shows_no_token_even_when_everything_is_logged(
    api: BotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    (tmp_path / "heartbeat").mkdir()  # which is to be a file
    with start(api, tmp_path) as process:
        out, log = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" in log
    assert "IsADirectoryError" in log
    assert "asyncio " in log, "everything is logged"
    assert TOKEN.partition(":")[2] not in out + log


def test_counters_are_logged_on_sigusr1_and_the_token_is_not_in_ps(api: BotApi, tmp_path: Path) -> None:
    with start(api, tmp_path) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        api.write("hi")
        assert any("sent chat=1" in line for line in lines)
        processes = subprocess.run(["ps", "-A", "-ww", "-o", "args"], check=True, capture_output=True, text=True).stdout
        assert "serve_on_telegram.py" in processes
        assert TOKEN not in processes
        process.send_signal(signal.SIGUSR1)
        assert any("counters received=1 answered=1" in line for line in lines)
        process.kill()


@pytest.mark.parametrize(("kills", "messages"), [(6, 60), pytest.param(100, 500, marks=pytest.mark.soak)])
def test_killed_at_any_moment_it_loses_nothing_and_doubles_at_most_what_was_being_sent(
    api: BotApi, tmp_path: Path, kills: int, messages: int
) -> None:
    with Killer(api, tmp_path, kills, seed=5) as killer:
        wanted = converse(api, killer, messages, kills)
    answered, doubled = answered_and_doubled(api.texts())
    assert answered == wanted
    assert doubled <= killer.kills
    print(f"{killer.kills} kills, {len(wanted)} messages, {doubled} answers sent twice")
