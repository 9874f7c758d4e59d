"""A conversation on standard input and output.

In a terminal it is an interactive chat. If standard input is a file or a pipe, every input line is a message and gets
exactly one output line, so that line n of the output belongs to line n of the input. Commands also get one line. A
blank line gets a blank line and is not passed to the model.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import TextIOWrapper

from autocakechat import Reply, Responder, RunContext, Session, TrainedModel, UserError, escape_control_characters

HELP = "/mood LABEL sets the mood, /reset clears the conversation, /help shows this text; Ctrl-D quits"


def converse(mood: str | None, model: TrainedModel, run: RunContext) -> None:
    """Replies to messages from standard input until it ends.

    Args:
        mood: The label to reply with at first; None for the model's default label.
        model: The model that replies.
        run: The run's log.

    Raises:
        UserError: The model does not have this label.
    """
    conversation = Conversation(model.load(), mood)
    try:
        if sys.stdin.isatty():
            run_interactive(conversation)
        else:
            run_script(conversation)
    except BrokenPipeError:
        # The reader of standard output has exited. Python flushes the buffer at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        run.log.debug("standard output was closed by its reader")


class Conversation:
    """A session with a model, and the commands that change it.

    Args:
        responder: The model.
        mood: The label to reply with at first; None for the model's default label.

    Raises:
        UserError: The model does not have this label.
    """

    def __init__(self, responder: Responder, mood: str | None = None) -> None:
        self._responder = responder
        self._session = Session.start(responder)
        if mood is not None:
            label = Session.find_label(mood, responder.labels)
            if label is None:
                raise UserError(
                    f"the model has no mood {escape_control_characters(mood)!r}",
                    f"use one of these: {_format_labels(responder.labels)}",
                )
            self._session.emotion = label

    def reply(self, line: str) -> str:
        """Returns the reply to a message, or the result of a command."""
        if line.startswith("/"):
            return self._run_command(*line.split(maxsplit=1))
        self._session.add_message(line)
        reply = self._respond()
        self._session.add_reply(reply)
        return reply.text

    def _respond(self) -> Reply:
        (reply,) = self._responder.respond([self._session.request()])
        return reply

    def _run_command(self, name: str, argument: str = "") -> str:
        match name.lower():
            case "/help":
                return HELP
            case "/reset":
                self._session.reset()
                return "the conversation is cleared"
            case "/mood":
                return self._set_mood(argument)
            case _:
                return f"unknown command {name}; {HELP}"

    def _set_mood(self, typed: str) -> str:
        labels = self._responder.labels
        label = Session.find_label(typed, labels)
        if label is None:
            return f"the mood is {self._session.emotion}; use one of these: {_format_labels(labels)}"
        self._session.emotion = label
        return f"the mood is {label} now"


def run_script(conversation: Conversation) -> None:
    """Replies to each line of standard input with one line."""
    _use_utf8()
    for line in sys.stdin:
        message = line.strip()
        print(escape_control_characters(conversation.reply(message)) if message else "", flush=True)


def run_interactive(conversation: Conversation) -> None:
    """Chats in the terminal until Ctrl-D or Ctrl-C."""
    read_message, show_reply = _rich_terminal() if sys.stdout.isatty() else _plain_terminal()
    sys.stderr.write(f"{HELP}\n")
    try:
        while True:
            message = read_message().strip()
            if message:
                show_reply(conversation.reply(message))
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("\n")


def _rich_terminal() -> tuple[Callable[[], str], Callable[[str], None]]:
    """Returns functions that read a message and show a reply, with line editing and colours."""
    with suppress(ImportError):
        import readline  # noqa: F401 - gives input() a history and arrow keys

    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)

    def read_message() -> str:
        return input("you ")  # without colours: readline would count their escape codes as characters

    def show_reply(reply: str) -> None:
        for line in _escaped_lines(reply):
            console.print(Text.assemble(("bot ", "bold cyan"), line), soft_wrap=True)

    return read_message, show_reply


def _plain_terminal() -> tuple[Callable[[], str], Callable[[str], None]]:
    """Returns functions that read a message and show a reply, for standard output that is not a terminal."""

    def read_message() -> str:
        sys.stderr.write("you ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    def show_reply(reply: str) -> None:
        for line in _escaped_lines(reply):
            print(line, flush=True)

    return read_message, show_reply


def _escaped_lines(reply: str) -> Iterator[str]:
    return (escape_control_characters(line) for line in reply.split("\n"))


def _format_labels(labels: Sequence[str]) -> str:
    return ", ".join(labels)


def _use_utf8() -> None:
    """Reads and writes UTF-8 regardless of the locale; an invalid byte must not end the conversation."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
