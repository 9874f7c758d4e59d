"""The console deployer: in a script and in a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from autocakechat import Reply, Request, RunContext, UserError, pseudonym
from autocakechat.plugins.deployers.console import Options, deploy
from tests.deployers.responders import Echo, all_lines, model_of

PROGRAM = [sys.executable, str(Path(__file__).with_name("serve_on_console.py"))]

RunScript = Callable[..., list[str]]


class OneLabel(Echo):
    """An echo with one label, as a model has that was trained without an annotator."""

    labels = ("neutral",)


class Ranking(Echo):
    """Replies with the second of three ranked candidates."""

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        texts = ("no\x1b[31m", f"{requests[0].context[-1]}\nyes", "maybe")
        return [Reply(texts[1], texts if requests[0].context[-1] != "bye" else ())]


class NamesPerson(Echo):
    """Replies with what it knows about the conversation."""

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        return [Reply(f"{request.chat_kind} {request.person}") for request in requests]


@pytest.fixture
def run_script(run: RunContext, monkeypatch: pytest.MonkeyPatch) -> RunScript:
    """Deploys with some standard input, in an ASCII locale, and returns the lines of standard output."""

    def run_with_input(standard_input: bytes, echo: type[Echo] = Echo, **options: Any) -> list[str]:
        output = BytesIO()
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(standard_input), "ascii"))
        monkeypatch.setattr(sys, "stdout", TextIOWrapper(output, "ascii"))
        deploy(Options(**options), model_of(echo(all_lines)), run)
        return output.getvalue().decode().split("\n")[:-1]

    return run_with_input


def test_every_line_of_a_script_gets_one_line(run_script: RunScript) -> None:
    assert run_script(b"hi\nwhat now?\n") == ["neutral hi", r"neutral hi\nneutral neutral hi\nneutral what now?"]


def test_a_last_line_without_a_newline_gets_a_reply(run_script: RunScript) -> None:
    assert run_script(b"hi") == ["neutral hi"]


def test_empty_input_gets_no_output(run_script: RunScript) -> None:
    assert run_script(b"") == []


def test_a_blank_line_gets_a_blank_line_and_is_not_part_of_the_conversation(run_script: RunScript) -> None:
    output = run_script(b"\nhi\n  \n/reset\nhi\n")
    assert output == ["", "neutral hi", "", "the conversation is cleared", "neutral hi"]


def test_commands_in_a_script_get_one_line_each(run_script: RunScript) -> None:
    output = run_script(b"/mood JOY\nhi\n/mood rage\n/help\n/dance\n")
    assert output[0] == "the mood is joy now"
    assert output[1] == "joy hi"
    assert output[2] == "the mood is joy; use one of these: neutral, joy, anger"
    assert output[3].startswith("/mood LABEL")
    assert output[4].startswith("unknown command /dance; /mood LABEL")
    assert len(output) == 5


def test_the_model_knows_who_writes(run_script: RunScript) -> None:
    assert run_script(b"hi\n", NamesPerson, person="user1") == [f"personal {pseudonym('user1')}"]
    assert run_script(b"hi\n", NamesPerson) == ["personal "]


def test_moods_are_offered_only_by_a_model_with_several_labels(run_script: RunScript) -> None:
    output = run_script(b"/help\n/mood joy\n/dance\nhi\n", OneLabel)
    assert output[0].startswith("/reset clears")
    assert output[1] == "the model has no moods"
    assert "/mood" not in output[0] + output[2]
    assert output[3] == "neutral hi"


@pytest.mark.parametrize("word", [b"/quit", b"exit", b"QUIT "])
def test_a_word_ends_the_conversation(run_script: RunScript, word: bytes) -> None:
    assert run_script(b"hi\n" + word + b"\nhi again\n") == ["neutral hi"]


def test_candidates_are_shown_below_each_reply_and_the_chosen_one_is_marked(run_script: RunScript) -> None:
    assert run_script(b"hi\n/reset\nbye\n", Ranking, candidates=True) == [
        r"hi\nyes",
        r"  1  no\x1b[31m",
        r"> 2  hi\nyes",
        "  3  maybe",
        "the conversation is cleared",
        r"bye\nyes",
        "  (the model gives no candidates for this reply)",
    ]


def test_reasons_are_shown_below_each_reply_the_strongest_first(run_script: RunScript) -> None:
    class Reasoning(Ranking):
        def respond(self, requests: Sequence[Request]) -> list[Reply]:
            return [
                Reply(
                    "yes",
                    ("yes",),
                    {"length": -0.5, "rare words": 1.25, "no effect": 0.001} if len(request.context) == 1 else {},
                )
                for request in requests
            ]

    assert run_script(b"hi\nbye\n", Reasoning, explain=True) == [
        "yes",
        "   +1.25  rare words",
        "   -0.50  length",
        "yes",
        "  (the model gives no reasons for this reply)",
    ]


def test_control_characters_of_a_reply_are_escaped(run_script: RunScript) -> None:
    assert run_script("a\x1b[31m\u202eb\n".encode()) == [r"neutral a\x1b[31m\u202eb"]


def test_text_is_utf8_regardless_of_the_locale_and_invalid_bytes_are_replaced() -> None:
    environment = dict(os.environ, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    standard_input = "привет\n".encode() + b"\xff\xfe\n"
    finished = subprocess.run(PROGRAM, input=standard_input, capture_output=True, timeout=30, env=environment)
    assert finished.returncode == 0, finished.stderr.decode()
    first, second = finished.stdout.decode().splitlines()
    assert first == "neutral привет"
    assert second.endswith("neutral \ufffd\ufffd")


def test_each_reply_is_flushed_before_the_next_line_is_read() -> None:
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hi\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"neutral hi\n"
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_a_closed_standard_output_ends_it_without_an_error() -> None:
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate(b"hi\n" * 1000, timeout=30)
        assert process.returncode == 0
        assert errors == b""


def test_a_mood_that_the_model_does_not_have_is_an_error(run: RunContext, echo: Echo) -> None:
    with pytest.raises(UserError, match="the model has no mood 'rage'; use one of these: neutral, joy, anger"):
        deploy(Options(mood="rage"), model_of(echo), run)


class Terminal:
    """The program in a pseudo-terminal."""

    def __init__(self) -> None:
        self.process, self._terminal = self._open()
        self.output = ""

    def _open(self) -> tuple[subprocess.Popen[bytes], int]:
        test_end, program_end = pty.openpty()
        environment = dict(os.environ, TERM="xterm-256color")
        process = subprocess.Popen(
            PROGRAM, stdin=program_end, stdout=program_end, stderr=program_end, start_new_session=True, env=environment
        )
        os.close(program_end)
        return process, test_end

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def expect(self, text: str, timeout: float = 20.0) -> str:
        """Waits for a text after the last expected one, and returns what is between them."""
        deadline = time.monotonic() + timeout
        while text not in self.output:
            remaining = deadline - time.monotonic()
            assert remaining > 0, f"{text!r} not in the output: {self.output!r}"
            if select.select([self._terminal], [], [], remaining)[0]:
                try:
                    self.output += os.read(self._terminal, 4096).decode(errors="replace")
                except OSError as error:
                    raise AssertionError(f"the program ended before {text!r}: {self.output!r}") from error
        before, _, self.output = self.output.partition(text)
        return before

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._terminal)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_in_a_terminal_it_chats_until_ctrl_d(terminal: Terminal) -> None:
    terminal.expect("to leave: /quit, exit or Ctrl-D")
    terminal.expect("you ")
    terminal.type("hi\r")
    terminal.expect("neutral hi")
    terminal.expect("you ")
    terminal.type("\x04")
    assert terminal.process.wait(timeout=20) == 0


def test_in_a_terminal_the_result_of_a_command_is_not_shown_as_said_by_the_bot(terminal: Terminal) -> None:
    terminal.expect("you ")
    terminal.type("/reset\rhi\r")
    assert "bot" not in terminal.expect("the conversation is cleared")
    assert "bot" in terminal.expect("neutral hi")


def test_in_a_terminal_a_word_ends_it(terminal: Terminal) -> None:
    terminal.expect("you ")
    terminal.type("exit\r")
    assert terminal.process.wait(timeout=20) == 0


def test_ctrl_c_quits_without_a_traceback(terminal: Terminal) -> None:
    terminal.expect("you ")
    # Readline handles a signal that arrives just before it waits for input only at the next key press, so the signal is
    # repeated. It must not be repeated while the program is exiting.
    for _ in range(10):
        terminal.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            terminal.process.wait(timeout=4)
            break
    assert terminal.process.wait(timeout=20) == 0
    with pytest.raises(AssertionError, match="ended before"):
        terminal.expect("Traceback")
