"""Standard input and output of a conversation.

In a terminal it is an interactive chat. If standard input is a file or a pipe, every input line is a message and gets
exactly one output line, so that line n of the output belongs to line n of the input. Commands also get one line. A
blank line gets a blank line and is not passed to the model. Candidates, if they are shown, are further lines.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import TextIOWrapper

from autocakechat import RunContext, escape_control_characters
from autocakechat.plugins.deployers.console.conversation import Answer, Conversation


def converse(conversation: Conversation, run: RunContext) -> None:
    """Answers lines from standard input until it ends or the user leaves.

    Args:
        conversation: The conversation.
        run: The run's log.
    """
    try:
        if sys.stdin.isatty():
            run_interactive(conversation)
        else:
            run_script(conversation)
    except BrokenPipeError:
        # The reader of standard output has exited. Python flushes the buffer at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        run.log.debug("standard output was closed by its reader")


def run_script(conversation: Conversation) -> None:
    """Answers each line of standard input with one line, and with one more for each candidate."""
    _use_utf8()
    for line in sys.stdin:
        message = line.strip()
        if conversation.is_end(message):
            return
        answer = conversation.answer(message) if message else Answer("")
        for text in (answer.text, *answer.details):
            print(escape_control_characters(text), flush=True)


def run_interactive(conversation: Conversation) -> None:
    """Chats in the terminal until the user leaves, or until Ctrl-D or Ctrl-C."""
    read_message, show_answer = _rich_terminal() if sys.stdout.isatty() else _plain_terminal()
    sys.stderr.write(f"{conversation.help}\n")
    try:
        while not conversation.is_end(message := read_message().strip()):
            if message:
                show_answer(conversation.answer(message))
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("\n")


def _rich_terminal() -> tuple[Callable[[], str], Callable[[Answer], None]]:
    """Returns functions that read a message and show an answer, with line editing and colours."""
    with suppress(ImportError):
        import readline  # noqa: F401 - gives input() a history and arrow keys

    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)

    def read_message() -> str:
        return input("you ")  # without colours: readline would count their escape codes as characters

    def show_answer(answer: Answer) -> None:
        for line in _escaped_lines(answer.text):
            shown = Text.assemble(("bot ", "bold cyan"), line) if answer.is_reply else Text(line, "dim")
            console.print(shown, soft_wrap=True)
        for detail in answer.details:
            console.print(Text(f"  {escape_control_characters(detail)}", "dim"), soft_wrap=True)

    return read_message, show_answer


def _plain_terminal() -> tuple[Callable[[], str], Callable[[Answer], None]]:
    """Returns functions that read a message and show an answer, for standard output that is not a terminal."""

    def read_message() -> str:
        sys.stderr.write("you ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    def show_answer(answer: Answer) -> None:
        for line in (*_escaped_lines(answer.text), *map(escape_control_characters, answer.details)):
            print(line, flush=True)

    return read_message, show_answer


def _escaped_lines(reply: str) -> Iterator[str]:
    return (escape_control_characters(line) for line in reply.split("\n"))


def _use_utf8() -> None:
    """Reads and writes UTF-8 regardless of the locale; an invalid byte must not end the conversation."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
