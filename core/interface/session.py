"""One conversation: its lines and its mood. Every deployer keeps its chats in sessions, so that all behave alike."""

from __future__ import annotations

from collections.abc import Sequence

from autocakechat.interface.model import Reply, Request, Responder

_CLIENT = "client"
_SERVER = "server"


class Session:
    """What has been said between clients and the server.

    Args:
        context_lines: How many lines the model makes use of; older ones are forgotten.
        emotion: The label to answer with.
        line_limit: The most characters kept of one line; of a longer one the end is kept, which is what was said last.
    """

    def __init__(self, context_lines: int, emotion: str = "neutral", line_limit: int = 4096) -> None:
        self.context_lines = context_lines
        self.emotion = emotion
        self.line_limit = line_limit
        self._lines: list[str] = []
        self._last_speaker = _SERVER

    @classmethod
    def start(cls, responder: Responder) -> Session:
        """Opens a conversation that fits a responder: with as much context as it uses, in its usual mood."""
        return cls(responder.context_lines, cls.usual_mood(responder.labels))

    @staticmethod
    def usual_mood(labels: Sequence[str]) -> str:
        """Returns the label a conversation starts with: neutral, or the first where there is no such label."""
        return "neutral" if "neutral" in labels or not labels else labels[0]

    @staticmethod
    def find_mood(typed: str, labels: Sequence[str]) -> str | None:
        """Returns the label that somebody typed, however it was written, or None if there is none."""
        wanted = typed.strip().casefold()
        return next((label for label in labels if label.casefold() == wanted), None)

    @property
    def waiting(self) -> bool:
        """Whether something was said that is not answered yet."""
        return self._last_speaker != _SERVER

    def hear(self, text: str, speaker: str = _CLIENT) -> None:
        """Takes in what a client wrote; several messages in a row make one line, as in the corpus.

        Args:
            text: One message.
            speaker: Who wrote it, where there are several clients.
        """
        self._add(text, speaker)

    def request(self) -> Request:
        """Returns what to ask a responder.

        Raises:
            RuntimeError: Nobody has said anything that is not answered yet.
        """
        if not self.waiting:
            raise RuntimeError("there is nothing to answer")
        return Request(context=tuple(self._lines), emotion=self.emotion)

    def say(self, reply: Reply) -> None:
        """Remembers what was answered."""
        self._add(reply.text, _SERVER)

    def reset(self) -> None:
        """Forgets everything said; the mood stays."""
        self._lines.clear()
        self._last_speaker = _SERVER

    def _add(self, text: str, speaker: str) -> None:
        if self._lines and speaker == self._last_speaker:
            text = f"{self._lines.pop()}\n{text}"
        self._lines.append(text[-self.line_limit :])
        self._last_speaker = speaker
        del self._lines[: -self.context_lines]
