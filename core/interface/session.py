"""One conversation with a bot. Deployers keep each chat in a session, so that all bots build the context alike."""

from __future__ import annotations

from collections.abc import Sequence

from autocakechat.interface.deprecation import deprecated, warn_deprecated
from autocakechat.interface.model import Reply, Request, Responder
from autocakechat.interface.origin import PERSONAL, pseudonym


class Session:
    """The recent turns of one conversation, and the label for replies.

    Args:
        context_lines: The number of turns that the model uses as context; older ones are deleted.
        emotion: The label to condition replies on.
        line_limit: The maximum length of a turn in characters; of a longer one only the end is kept.
        chat_kind: The kind of the chat: `personal` or `group`.
        turn_messages: The maximum number of messages in a client's turn, of which the newest are kept; None for all.
    """

    def __init__(
        self,
        context_lines: int,
        emotion: str = "neutral",
        line_limit: int = 4096,
        chat_kind: str = PERSONAL,
        turn_messages: int | None = None,
    ) -> None:
        self.context_lines = context_lines
        self.emotion = emotion
        self.line_limit = line_limit
        self.chat_kind = chat_kind
        self.turn_messages = turn_messages
        self._turns: list[list[str]] = []
        self._last_speaker: str | None = None

    @classmethod
    def start(cls, responder: Responder) -> Session:
        """Makes a session with the context size and the default label of a responder."""
        return cls(responder.context_lines, cls.default_label(responder.labels))

    @staticmethod
    def default_label(labels: Sequence[str]) -> str:
        """Returns the default label: `neutral`, or the first label if there is no `neutral`."""
        return "neutral" if "neutral" in labels or not labels else labels[0]

    @staticmethod
    def find_label(typed: str, labels: Sequence[str]) -> str | None:
        """Returns the label that a user typed, ignoring case and surrounding whitespace; None if there is none."""
        folded = typed.strip().casefold()
        return next((label for label in labels if label.casefold() == folded), None)

    @property
    def waiting(self) -> bool:
        """Whether the last message has no reply yet."""
        return self._last_speaker is not None

    def add_message(self, text: str, speaker: str = "") -> None:
        """Adds a message of a client. Consecutive messages form one turn, also those of several clients.

        This is how the corpus pairs them, so a model reads the conversations of a group as it has learnt them.

        Args:
            text: The message.
            speaker: The id of the client, as the sources of the corpus give it; empty if it is unknown. A model may
                reply differently to different people.
        """
        self._add(text, speaker)

    def add_reply(self, reply: Reply) -> None:
        """Adds a reply of the bot."""
        self._add(reply.text, None)

    def request(self) -> Request:
        """Returns the request to pass to the responder.

        Raises:
            RuntimeError: There is no message without a reply.
        """
        if self._last_speaker is None:
            raise RuntimeError("there is no message to reply to")
        context = tuple("\n".join(turn)[-self.line_limit :] for turn in self._turns)
        return Request(context, self.emotion, self.chat_kind, pseudonym(self._last_speaker))

    def reset(self) -> None:
        """Deletes all turns. The label stays."""
        self._turns.clear()
        self._last_speaker = None

    def hear(self, text: str, speaker: str = "") -> None:
        """Deprecated: the former name of `add_message`."""
        warn_deprecated(deprecated("Session.hear", since="0.1", gone="0.3", instead="Session.add_message"))
        self.add_message(text, speaker)

    def say(self, reply: Reply) -> None:
        """Deprecated: the former name of `add_reply`."""
        warn_deprecated(deprecated("Session.say", since="0.1", gone="0.3", instead="Session.add_reply"))
        self.add_reply(reply)

    @staticmethod
    def usual_mood(labels: Sequence[str]) -> str:
        """Deprecated: the former name of `default_label`."""
        warn_deprecated(deprecated("Session.usual_mood", since="0.1", gone="0.3", instead="Session.default_label"))
        return Session.default_label(labels)

    @staticmethod
    def find_mood(typed: str, labels: Sequence[str]) -> str | None:
        """Deprecated: the former name of `find_label`."""
        warn_deprecated(deprecated("Session.find_mood", since="0.1", gone="0.3", instead="Session.find_label"))
        return Session.find_label(typed, labels)

    def _add(self, text: str, speaker: str | None) -> None:
        if not self._turns or (speaker is None) != (self._last_speaker is None):
            self._turns.append([])
        turn = self._turns[-1]
        turn.append(text[-self.line_limit :])
        if speaker is not None and self.turn_messages:
            del turn[: -self.turn_messages]
        self._last_speaker = speaker
        del self._turns[: max(0, len(self._turns) - self.context_lines)]
