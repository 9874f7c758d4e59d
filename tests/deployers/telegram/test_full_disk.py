"""A disk that fills up at any step: nothing is lost, nothing is sent twice, and side tasks do not end the bot."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from autocakechat import Request, RunContext, StageError
from autocakechat.plugins.deployers.telegram import maintenance
from autocakechat.plugins.deployers.telegram.event_log import EventLog, SideTask
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import BotApi, Call, Fault
from tests.deployers.telegram.support.bot_thread import BotThread


class Disk:
    """A small file system.

    Args:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leaves no free space."""
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(512))
            except OSError:
                pass

    def free(self) -> None:
        """Frees the space again."""
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield Disk(folder)
    subprocess.run(["umount", str(folder)], check=True)


def fill_during(step: str, api: BotApi, echo: Echo, disk: Disk) -> None:
    """Makes the disk fill up once, when the bot gets to a step with the message `two`."""

    def fill_once() -> None:
        if not filled:
            filled.append(True)
            disk.fill()

    def fault(call: Call) -> None:
        if call.method == step and (step != "getUpdates" or api.pending) and filled != [True]:
            fill_once()

    def reply(request: Request) -> str:
        if step == "model" and request.context[-1] == "two":
            fill_once()
        return request.context[-1]

    filled: list[bool] = []
    api.fault = fault if step != "model" else lambda call: None
    echo._reply = reply


def assert_ends(running: BotThread) -> None:
    """Asserts that a bot ends because it cannot write, with the status that makes a supervisor restart it."""
    with pytest.raises(StageError, match=r"cannot write the bot's data: .*; check that the fold") as error, running:
        running.join()
    assert error.value.exit_status == 1


@pytest.mark.parametrize("heartbeat", [True, False], ids=["heartbeat", "no heartbeat"])
@pytest.mark.parametrize("step", ["getUpdates", "model", "sendMessage"])
def test_a_disk_that_fills_up_loses_no_message_and_sends_none_twice(
    api: BotApi, echo: Echo, run: RunContext, disk: Disk, step: str, heartbeat: bool
) -> None:
    def start() -> BotThread:
        return BotThread(api, echo, attrs.evolve(run, state=disk.state))

    if not heartbeat:
        (disk.state / "heartbeat.new").mkdir()
    echo._reply = lambda request: request.context[-1]
    with start():
        api.write("one")
        api.wait(api.texts)
    fill_during(step, api, echo, disk)
    api.write("two")
    assert_ends(start())
    sent = api.texts()
    for _ in range(3):
        disk.fill()  # the bot that has ended may have left some space
        assert_ends(start())
    assert api.texts() == sent, "a restart on the full disk sent a message"
    disk.free()
    with start():
        api.write("three")
        api.wait(lambda: "three" in api.texts()[-1])
    assert "\n".join(api.texts()) == "one\ntwo\nthree"


def test_calls_that_have_begun_are_recorded_before_the_bot_ends(
    api: BotApi, echo: Echo, run: RunContext, disk: Disk
) -> None:
    """Three messages are on their way when the disk is full, and a fourth update cannot be stored."""

    def slow_after_filling(call: Call) -> Fault | None:
        if call.method != "sendMessage":
            return None
        disk.fill()
        return Fault(status=200, takes_effect=True, delay=0.5)

    state = attrs.evolve(run, state=disk.state)
    for chat in (1, 2, 3):
        api.write(f"to {chat}", chat=chat)
    api.fault = slow_after_filling
    with pytest.raises(StageError), BotThread(api, echo, state) as running:
        api.wait(lambda: api.methods().count("sendMessage") == 3)
        api.write("to 4", chat=4)
        running.join()
    assert len(api.sent) == 3
    api.fault = lambda call: None
    disk.free()
    with BotThread(api, echo, state):
        api.wait(lambda: api.texts(4))
    assert [api.texts(chat) for chat in (1, 2, 3, 4)] == [[f"neutral: to {chat}"] for chat in (1, 2, 3, 4)]


def test_an_idle_bot_on_a_full_disk_lives_and_logs_it_once(
    api: BotApi,
    echo: Echo,
    run: RunContext,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(maintenance, "HEARTBEAT_INTERVAL", 0.02)
    with BotThread(api, echo, attrs.evolve(run, state=disk.state)):
        api.wait(lambda: (disk.state / "heartbeat").exists())
        disk.fill()
        api.wait(lambda: "heartbeat failed" in caplog.text)
        disk.free()
        api.wait(lambda: "heartbeat works again" in caplog.text)
        api.write("hi")
        api.wait(api.texts)
    assert caplog.text.count("heartbeat failed") == 1


def test_a_heartbeat_that_cannot_be_written_does_not_end_the_bot(
    api: BotApi,
    bot: Callable[..., BotThread],
    run: RunContext,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(maintenance, "HEARTBEAT_INTERVAL", 0.02)
    (run.state / "heartbeat.new").mkdir()
    with bot():
        api.wait(lambda: "heartbeat failed" in caplog.text)
        api.write("hi")
        api.wait(api.texts)
    assert 'heartbeat failed reason="Is a directory"' in caplog.text
    assert caplog.text.count("heartbeat failed") == 1


def test_a_side_task_that_fails_again_and_again_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    task = SideTask(EventLog(logging.getLogger("bot")), "typing")
    for error in (OSError(28, "No space left on device"), sqlite3.OperationalError("a text"), ValueError("a text")):
        with task.attempt():
            raise error
    for _ in range(2):
        with task.attempt():
            pass
    with task.attempt():
        raise MemoryError
    assert [record.getMessage() for record in caplog.records] == [
        'typing failed reason="No space left on device"',
        "typing works again",
        "typing failed reason=MemoryError",
    ]
