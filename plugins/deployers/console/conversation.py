"""A conversation on standard input and output.

In a terminal it is a chat. Where standard input is a file or a pipe, every line is a message and gets exactly one line
on standard output, so that the n-th line out belongs to the n-th line in: commands are answered in one line too, and a
blank line is answered with a blank line and not shown to the model.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import TextIOWrapper

from autocakechat import Reply, Responder, RunContext, Session, TrainedModel, UserError, escape_control_characters

HELP = "/mood LABEL changes the mood, /reset forgets what was said, /help shows this; Ctrl-D ends"


def converse(mood: str | None, model: TrainedModel, run: RunContext) -> None:
    """Answers what comes on standard input until it ends.

    Args:
        mood: The label to answer with at first; None for the model's usual one.
        model: Who answers.
        run: Where to log.

    Raises:
        UserError: The model has no such mood.
    """
    talk = Talk(model.load(), mood)
    try:
        if sys.stdin.isatty():
            in_terminal(talk)
        else:
            in_script(talk)
    except BrokenPipeError:
        # Nobody reads any more. What is still buffered goes nowhere, or Python would complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        run.log.debug("nobody reads standard output any more")


class Talk:
    """A session and who answers in it, with the commands that act on it.

    Args:
        responder: Who answers.
        mood: The label to answer with at first; None for the usual one.
    """

    def __init__(self, responder: Responder, mood: str | None = None) -> None:
        self._responder = responder
        self._session = Session.start(responder)
        if mood is not None:
            label = Session.find_mood(mood, responder.labels)
            if label is None:
                raise UserError(
                    f"the model has no mood {escape_control_characters(mood)!r}", f"it has {_listed(responder.labels)}"
                )
            self._session.emotion = label

    def answer(self, line: str) -> str:
        """Answers a message or carries out a command; returns what to show."""
        if line.startswith("/"):
            return self._command(*line.split(maxsplit=1))
        self._session.add_message(line)
        reply = self._ask()
        self._session.add_reply(reply)
        return reply.text

    def _ask(self) -> Reply:
        (reply,) = self._responder.respond([self._session.request()])
        return reply

    def _command(self, name: str, argument: str = "") -> str:
        match name.lower():
            case "/help":
                return HELP
            case "/reset":
                self._session.reset()
                return "forgotten"
            case "/mood":
                return self._set_mood(argument)
            case _:
                return f"there is no {name}; {HELP}"

    def _set_mood(self, typed: str) -> str:
        labels = self._responder.labels
        label = Session.find_mood(typed, labels)
        if label is None:
            return f"the mood is {self._session.emotion}; there is {_listed(labels)}"
        self._session.emotion = label
        return f"the mood is {label} now"


def in_script(talk: Talk) -> None:
    """Answers each line of standard input with one line."""
    _speak_utf8()
    for line in sys.stdin:
        message = line.strip()
        print(escape_control_characters(talk.answer(message)) if message else "", flush=True)


def in_terminal(talk: Talk) -> None:
    """Chats with whoever sits there. Ctrl-D and Ctrl-C end it."""
    ask, show = _rich_terminal() if sys.stdout.isatty() else _plain_terminal()
    sys.stderr.write(f"{HELP}\n")
    try:
        while True:
            message = ask().strip()
            if message:
                show(talk.answer(message))
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("\n")


def _rich_terminal() -> tuple[Callable[[], str], Callable[[str], None]]:
    with suppress(ImportError):
        import readline  # noqa: F401 - gives input() a history and arrow keys

    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)

    def show(answer: str) -> None:
        for line in _visible_lines(answer):
            console.print(Text.assemble(("bot ", "bold cyan"), line), soft_wrap=True)

    # The prompt stays plain: readline counts its characters, and colours would be miscounted.
    return lambda: input("you "), show


def _plain_terminal() -> tuple[Callable[[], str], Callable[[str], None]]:
    def ask() -> str:
        sys.stderr.write("you ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    def show(answer: str) -> None:
        for line in _visible_lines(answer):
            print(line, flush=True)

    return ask, show


def _visible_lines(answer: str) -> Iterator[str]:
    return (escape_control_characters(line) for line in answer.split("\n"))


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels)


def _speak_utf8() -> None:
    """Reads and writes UTF-8 whatever the locale says; a broken character must not end the conversation."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
