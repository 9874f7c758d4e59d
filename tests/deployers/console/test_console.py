"""The console deployer, as a process of its own: in a script and in a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from autocakechat import RunContext, UserError
from autocakechat.plugins.deployers.console import Options, deploy
from tests.deployers.responders import Echo, trained

PROGRAM = [sys.executable, str(Path(__file__).with_name("talk_on_console.py"))]


def script(lines: bytes, environment: dict[str, str] | None = None) -> list[str]:
    done = subprocess.run(PROGRAM, input=lines, capture_output=True, timeout=30, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().split("\n")[:-1]


def test_every_line_of_a_script_gets_one_line() -> None:
    assert script(b"hi\nwhat now?\n") == ["neutral hi", r"neutral hi\nneutral neutral hi\nneutral what now?"]


def test_a_last_line_without_a_newline_is_answered() -> None:
    assert script(b"hi") == ["neutral hi"]


def test_no_line_no_answer() -> None:
    assert script(b"") == []


def test_a_blank_line_is_answered_with_a_blank_line_and_is_no_part_of_the_conversation() -> None:
    assert script(b"\nhi\n  \n/reset\nhi\n") == ["", "neutral hi", "", "forgotten", "neutral hi"]


def test_commands_of_a_script_are_answered_in_one_line() -> None:
    out = script(b"/mood JOY\nhi\n/mood rage\n/help\n/dance\n")
    assert out[0] == "the mood is joy now"
    assert out[1] == "joy hi"
    assert out[2] == "the mood is joy; there is neutral, joy, anger"
    assert out[3].startswith("/mood LABEL")
    assert out[4].startswith("there is no /dance")
    assert len(out) == 5


def test_control_characters_of_a_reply_do_not_reach_the_terminal() -> None:
    assert script("a\x1b[31m\u202eb\n".encode()) == [r"neutral a\x1b[31m\u202eb"]


def test_text_is_utf8_whatever_the_locale_and_broken_bytes_do_not_end_it() -> None:
    environment = dict(os.environ, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert script("привет\n".encode() + b"\xff\xfe\n", environment)[0] == "neutral привет"


def test_each_answer_is_flushed_before_the_next_line_comes() -> None:
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hi\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"neutral hi\n"
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_nobody_reading_is_no_error() -> None:
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, complaints = process.communicate(b"hi\n" * 1000, timeout=30)
        assert process.returncode == 0
        assert complaints == b""


def test_a_mood_the_model_does_not_know_is_a_clear_error(run: RunContext, echo: Echo) -> None:
    with pytest.raises(UserError, match="no mood 'rage'; it has neutral, joy, anger"):
        deploy(Options(mood="rage"), trained(echo), run)


class Terminal:
    """A process in a terminal of its own."""

    def __init__(self) -> None:
        self.process, self._terminal = self._open()
        self.seen = ""

    def _open(self) -> tuple[subprocess.Popen[bytes], int]:
        ours, theirs = pty.openpty()
        environment = dict(os.environ, TERM="xterm-256color")
        process = subprocess.Popen(
            PROGRAM, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=environment
        )
        os.close(theirs)
        return process, ours

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def see(self, text: str, seconds: float = 20.0) -> None:
        """Waits for a text after what was seen before."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} never came: {self.seen!r}"
            if select.select([self._terminal], [], [], left)[0]:
                try:
                    self.seen += os.read(self._terminal, 4096).decode(errors="replace")
                except OSError as error:
                    raise AssertionError(f"it ended before {text!r} came: {self.seen!r}") from error
        self.seen = self.seen.partition(text)[2]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    if terminal.process.poll() is None:
        terminal.process.kill()
    terminal.process.wait()
    os.close(terminal._terminal)


def test_in_a_terminal_it_chats_until_ctrl_d(terminal: Terminal) -> None:
    terminal.see("Ctrl-D ends")
    terminal.see("you ")
    terminal.type("hi\r")
    terminal.see("neutral hi")
    terminal.see("you ")
    terminal.type("\x04")
    assert terminal.process.wait(timeout=20) == 0


def test_ctrl_c_ends_it_calmly(terminal: Terminal) -> None:
    terminal.see("you ")
    # One that comes just before readline listens is noticed with the next key only. The next one must not come while
    # the program is ending.
    for _ in range(10):
        terminal.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            terminal.process.wait(timeout=4)
            break
    assert terminal.process.wait(timeout=20) == 0
    with pytest.raises(AssertionError, match="ended before"):
        terminal.see("Traceback")
