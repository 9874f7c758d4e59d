"""A conversation: messages and commands, and what each is answered with."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

import attrs

from autocakechat import Reply, Responder, Session, UserError, escape_control_characters

NO_MOODS = "the model has no moods"

_LEAST_SHOWN = 0.005  # less is shown as 0.00
_LEAVING = frozenset({"/quit", "quit", "exit"})


@attrs.frozen
class Answer:
    """What a line is answered with.

    Attributes:
        text: The reply to a message, or the result of a command.
        is_reply: Whether the bot says it.
        details: Lines to show below it: the reasons and the candidates of a reply.
    """

    text: str
    is_reply: bool = False
    details: Sequence[str] = ()


class Conversation:
    """A session with a model, and the commands that change it.

    Args:
        responder: The model.
        mood: The label to reply with at first; None for the model's default label.
        candidates: Whether to show the candidates of each reply.
        explain: Whether to show what each feature of a reply adds to its score.
        person: The id of who writes, as in the chat log; empty if it is unknown.

    Raises:
        UserError: The model does not have this label.
    """

    def __init__(
        self,
        responder: Responder,
        mood: str | None = None,
        candidates: bool = False,
        explain: bool = False,
        person: str = "",
    ) -> None:
        self._responder = responder
        self._session = Session.start(responder)
        self._candidates = candidates
        self._explain = explain
        self._person = person
        if mood is not None:
            label = Session.find_label(mood, responder.labels)
            if label is None:
                raise UserError(
                    f"the model has no mood {escape_control_characters(mood)!r}",
                    f"use one of these: {_format_labels(responder.labels)}",
                )
            self._session.emotion = label

    @property
    def help(self) -> str:
        """The commands, in one line."""
        mood = "/mood LABEL sets the mood, " if self._has_moods else ""
        return f"{mood}/reset clears the conversation, /help shows this text; to leave: /quit, exit or Ctrl-D"

    @staticmethod
    def is_end(line: str) -> bool:
        """Returns whether a line ends the conversation."""
        return line.lower() in _LEAVING

    def answer(self, line: str) -> Answer:
        """Returns the reply to a message, or the result of a command."""
        if line.startswith("/"):
            return Answer(self._run_command(*line.split(maxsplit=1)))
        self._session.add_message(line, self._person)
        with redirect_stdout(sys.stderr):  # for models that print; a reader of standard output expects replies only
            (reply,) = self._responder.respond([self._session.request()])
        self._session.add_reply(reply)
        reasons = _format_reasons(reply) if self._explain else []
        return Answer(reply.text, True, reasons + (_format_candidates(reply) if self._candidates else []))

    @property
    def _has_moods(self) -> bool:
        return len(self._responder.labels) > 1

    def _run_command(self, name: str, argument: str = "") -> str:
        match name.lower():
            case "/help":
                return self.help
            case "/reset":
                self._session.reset()
                return "the conversation is cleared"
            case "/mood":
                return self._set_mood(argument) if self._has_moods else NO_MOODS
            case _:
                return f"unknown command {name}; {self.help}"

    def _set_mood(self, typed: str) -> str:
        labels = self._responder.labels
        label = Session.find_label(typed, labels)
        if label is None:
            return f"the mood is {self._session.emotion}; use one of these: {_format_labels(labels)}"
        self._session.emotion = label
        return f"the mood is {label} now"


def _format_reasons(reply: Reply) -> list[str]:
    """Returns a line for each feature that changes the score of the reply; the strongest first."""
    if not reply.reasons:
        return ["  (the model gives no reasons for this reply)"]
    strongest = sorted(reply.reasons.items(), key=lambda reason: -abs(reason[1]))
    return [f"  {added:+6.2f}  {feature}" for feature, added in strongest if abs(added) >= _LEAST_SHOWN]


def _format_candidates(reply: Reply) -> list[str]:
    """Returns a numbered line for each candidate, best first; `>` marks the one that is the reply."""
    if not reply.candidates:
        return ["  (the model gives no candidates for this reply)"]
    width = len(str(len(reply.candidates)))
    return [
        f"{'>' if text == reply.text else ' '} {rank:>{width}}  {text}" for rank, text in enumerate(reply.candidates, 1)
    ]


def _format_labels(labels: Sequence[str]) -> str:
    return ", ".join(labels)
