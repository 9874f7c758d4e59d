"""The bot as a process: stopped, killed, started again."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore
from tests.deployers.telegram.support.bot_api import TOKEN, BotApi, Fault
from tests.deployers.telegram.support.bot_process import Killer, answered_messages, converse, start_bot


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_after_pending_replies(api: BotApi, tmp_path: Path, number: signal.Signals) -> None:
    with start_bot(api, tmp_path, reply_delay=1.0) as process:
        api.write("hi")
        api.wait(lambda: "sendChatAction" in api.methods())
        time.sleep(0.2)
        process.send_signal(number)
        out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert out == "deploy returned\n"
    assert api.texts() == ["reply to hi"]
    assert api.pending == []
    assert TOKEN not in out + log
    assert not [line for line in log.splitlines() if line.startswith(("httpx", "httpcore", "telegram"))]


def test_a_slow_model_does_not_delay_the_stop_and_the_reply_follows_after_the_next_start(
    api: BotApi, tmp_path: Path
) -> None:
    with start_bot(api, tmp_path, reply_delay=60.0) as process:
        api.write("hi")
        api.wait(lambda: "sendChatAction" in api.methods())
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        signalled = time.monotonic()
        _out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert 9 < time.monotonic() - signalled < 14
    with start_bot(api, tmp_path) as process:
        api.wait(api.texts)
        process.terminate()
        process.communicate(timeout=30)
    assert api.texts() == ["reply to hi"]


def test_a_full_disk_stops_it_with_one_error_line_and_loses_and_repeats_no_message(api: BotApi, tmp_path: Path) -> None:
    written = 0
    with start_bot(api, tmp_path, max_file_kilobytes=150, log=tmp_path / "log") as process:
        api.wait(lambda: "getUpdates" in api.methods())
        while process.poll() is None and written < 1000:
            written += 1
            api.write(f"<{written}>")
            time.sleep(0.02)
        process.kill()
    assert process.returncode == 1
    assert "cannot write the bot's data: " in (tmp_path / "log").read_text().splitlines()[-1]
    sent = api.texts()
    for _ in range(2):
        with start_bot(api, tmp_path, max_file_kilobytes=8, log=tmp_path / "log") as process:
            process.communicate(timeout=30)
        assert process.returncode == 1
    assert api.texts() == sent, "a restart on the full disk sent a message"
    with start_bot(api, tmp_path, log=tmp_path / "log") as process:
        api.wait(lambda: f"<{written}>" in "".join(api.texts()))
        process.kill()
    answered = re.findall(r"<\d+>", "".join(api.texts()))
    assert answered == [f"<{number}>" for number in range(1, written + 1)]


def test_a_start_on_a_full_disk_does_not_advise_to_remove_the_database(api: BotApi, tmp_path: Path) -> None:
    ConversationStore(tmp_path / "bot-4242.sqlite3").close()
    with start_bot(api, tmp_path, max_file_kilobytes=1) as process:
        _, log = process.communicate(timeout=30)
    assert "StageError: " in log.splitlines()[-1]
    assert "cannot write the bot's data: disk I/O error; check that the folder is writable and the disk has" in log


def test_a_signal_stops_it_at_once_while_telegram_is_unreachable(api: BotApi, tmp_path: Path) -> None:
    api.fault = lambda call: Fault(status=502)
    with start_bot(api, tmp_path) as process:
        api.wait(lambda: len(api.calls) > 2)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=5)
    assert process.returncode == 0


def test_a_rejected_token_stops_it_and_is_not_in_the_traceback(api: BotApi, tmp_path: Path) -> None:
    with start_bot(api, tmp_path) as process:
        api.wait(lambda: "getUpdates" in api.methods())
        api.token = "4242:another"
        api.write("hi")
        out, log = process.communicate(timeout=30)
    assert "UserError: Telegram rejected the bot's token" in log
    assert TOKEN not in out + log


def test_a_crash_does_not_reveal_the_token_even_with_debug_logging(
    api: BotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    with closing(sqlite3.connect(tmp_path / "bot-4242.sqlite3")) as db:
        db.execute("PRAGMA user_version = 1")  # a database without its tables makes the first query fail
    with start_bot(api, tmp_path) as process:
        out, log = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" in log
    assert "no such table" in log
    assert "asyncio " in log, "debug logging is not enabled"
    assert TOKEN.partition(":")[2] not in out + log


def test_sigusr1_logs_the_counters_and_ps_does_not_show_the_token(api: BotApi, tmp_path: Path) -> None:
    with start_bot(api, tmp_path) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        api.write("hi")
        assert any("message sent chat=1" in line for line in lines)
        processes = subprocess.run(["ps", "-A", "-ww", "-o", "args"], check=True, capture_output=True, text=True).stdout
        assert "serve_on_telegram.py" in processes
        assert TOKEN not in processes
        process.send_signal(signal.SIGUSR1)
        assert any("counters received=1 answered=1" in line for line in lines)
        process.kill()


@pytest.mark.parametrize(("kills", "messages"), [(6, 60), pytest.param(100, 500, marks=pytest.mark.soak)])
def test_a_kill_at_any_moment_loses_no_message_and_resends_at_most_one_reply(
    api: BotApi, tmp_path: Path, kills: int, messages: int
) -> None:
    with Killer(api, tmp_path, kills, seed=5) as killer:
        written = converse(api, killer, messages, kills)
    answered, resent = answered_messages(api.texts())
    assert answered == written
    assert resent <= killer.kills
    print(f"{killer.kills} kills, {len(written)} messages, {resent} replies sent twice")
