"""The commands of the bot. Each changes the store and returns what to answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from autocakechat import Responder, Session
from autocakechat.plugins.deployers.telegram.storage.store import Store


@attrs.frozen
class Call:
    """A command that somebody sent.

    Attributes:
        chat: Where.
        user: Id of who sent it.
        argument: What follows the command's name.
    """

    chat: int
    user: int
    argument: str


class Commands:
    """What the bot does on command.

    Args:
        welcome: What `/start` answers.
        responder: Who answers; its labels are the moods.
        store: What commands act on.
    """

    def __init__(self, welcome: str, responder: Responder, store: Store) -> None:
        self._welcome = welcome
        self._responder = responder
        self._store = store
        self._commands: dict[str, tuple[Callable[[Call], str], str]] = {
            "start": (self._start, "who I am"),
            "help": (self._help, "what I understand"),
            "mood": (self._mood, "the mood I answer in"),
            "reset": (self._reset, "forget this conversation"),
            "forget": (self._forget, "with 'me': delete everything I keep of you"),
        }

    @property
    def listed(self) -> Sequence[tuple[str, str]]:
        """Names and descriptions, for the menu that Telegram shows."""
        return [(name, description) for name, (_, description) in self._commands.items()]

    def __contains__(self, name: str) -> bool:
        """Whether there is a command of this name."""
        return name in self._commands

    def run(self, name: str, call: Call) -> str:
        """Carries out a command, or says that there is none of this name."""
        if name not in self:
            return "I do not know this command; /help shows those I know."
        action, _ = self._commands[name]
        return action(call)

    def _start(self, call: Call) -> str:
        return self._welcome

    def _help(self, call: Call) -> str:
        lines = [f"/{name} - {description}" for name, description in self.listed]
        return "\n".join(["I am an AI that imitates a person. Write to me, and I answer.", *lines])

    def _mood(self, call: Call) -> str:
        labels = self._responder.labels
        label = Session.find_mood(call.argument, labels)
        if label is None:
            mood = self._store.mood(call.chat) or Session.usual_mood(labels)
            return f"My mood is {mood}. /mood and one of these changes it: {', '.join(labels)}."
        self._store.set_mood(call.chat, label)
        return f"My mood is {label} now."

    def _reset(self, call: Call) -> str:
        self._store.reset(call.chat)
        return "I have forgotten this conversation."

    def _forget(self, call: Call) -> str:
        if call.argument.lower() != "me":
            return "Type /forget me, and I delete everything I keep of you."
        self._store.forget(call.user)
        return "I have deleted everything I kept of you."
