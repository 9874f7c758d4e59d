"""One conversation: its lines and its mood. Every deployer keeps its chats in sessions, so that all behave alike."""

from __future__ import annotations

from autocakechat.model import Reply, Request


class Session:
    """What has been said between one client and the server.

    Args:
        context_lines: How many lines the model makes use of; older ones are forgotten.
        emotion: The label to answer with.
    """

    def __init__(self, context_lines: int, emotion: str = "neutral") -> None:
        self.context_lines = context_lines
        self.emotion = emotion
        self._lines: list[str] = []
        self._clients_turn = False

    def hear(self, text: str) -> None:
        """Takes in what the client wrote; several messages in a row make one line, as in the corpus."""
        if self._clients_turn:
            self._lines[-1] = f"{self._lines[-1]}\n{text}"
        else:
            self._add(text)
        self._clients_turn = True

    def request(self) -> Request:
        """Returns what to ask a responder.

        Raises:
            RuntimeError: Nobody has said anything that is not answered yet.
        """
        if not self._clients_turn:
            raise RuntimeError("there is nothing to answer")
        return Request(context=tuple(self._lines), emotion=self.emotion)

    def say(self, reply: Reply) -> None:
        """Remembers what was answered."""
        self._add(reply.text)
        self._clients_turn = False

    def reset(self) -> None:
        """Forgets everything said; the mood stays."""
        self._lines.clear()
        self._clients_turn = False

    def _add(self, line: str) -> None:
        self._lines.append(line)
        del self._lines[: -self.context_lines]
