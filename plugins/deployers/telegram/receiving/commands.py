"""The bot's commands. Each changes the store and returns the text to reply with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from autocakechat import Responder, Session
from autocakechat.plugins.deployers.telegram.storage.records import Conversation
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore

UNKNOWN_COMMAND = "Unknown command. /help lists the commands."
FORGOTTEN_CHAT = (
    "I have deleted the messages that were written in the name of this chat. To delete your own, send /forget me under "
    "your own name."
)


@attrs.frozen
class CommandCall:
    """A call of a command.

    Attributes:
        conversation: The conversation.
        speaker: Id of the user who sent it, or of the group or channel in whose name it was sent.
        argument: The text after the command's name.
    """

    conversation: Conversation
    speaker: int
    argument: str


@attrs.frozen
class _Entry:
    run: Callable[[CommandCall], str]
    description: str
    offered: bool = True


class Commands:
    """The commands by name. `/mood` is offered only if the model has several moods; without, it says so.

    Args:
        welcome: The reply to `/start`.
        responder: The model; its labels are the moods.
        store: The store that commands change.
    """

    def __init__(self, welcome: str, responder: Responder, store: ConversationStore) -> None:
        self._welcome = welcome
        self._responder = responder
        self._store = store
        self._entries = {
            "start": _Entry(self._start, "who I am"),
            "help": _Entry(self._help, "the list of commands"),
            "mood": _Entry(self._mood, "the mood of my replies", offered=len(responder.labels) > 1),
            "reset": _Entry(self._reset, "forget this conversation"),
            "forget": _Entry(self._forget, "with 'me': delete everything I store about you"),
        }

    @property
    def menu(self) -> Sequence[tuple[str, str]]:
        """Names and descriptions of the commands that are offered, for Telegram's command menu."""
        return [(name, entry.description) for name, entry in self._entries.items() if entry.offered]

    def __contains__(self, name: str) -> bool:
        """Returns whether a command of this name is offered."""
        return any(name == offered for offered, _ in self.menu)

    def run(self, name: str, call: CommandCall) -> str:
        """Runs a command.

        Args:
            name: Its name, without the slash.
            call: Where and how it was called.

        Returns:
            The text to reply with; `UNKNOWN_COMMAND` if there is no command of this name.
        """
        entry = self._entries.get(name)
        return entry.run(call) if entry else UNKNOWN_COMMAND

    def _start(self, call: CommandCall) -> str:
        return self._welcome

    def _help(self, call: CommandCall) -> str:
        lines = [f"/{name} - {description}" for name, description in self.menu]
        return "\n".join(["I am an AI that imitates a person. Write to me, and I reply.", *lines])

    def _mood(self, call: CommandCall) -> str:
        labels = self._responder.labels
        if len(labels) < 2:
            return "I have no moods."
        label = Session.find_label(call.argument, labels)
        if label is None:
            mood = self._store.mood(call.conversation) or Session.default_label(labels)
            return f"My mood is {mood}. To change it, send /mood and one of these: {', '.join(labels)}."
        self._store.set_mood(call.conversation, label)
        return f"My mood is {label} now."

    def _reset(self, call: CommandCall) -> str:
        self._store.delete_history(call.conversation)
        return "I have forgotten this conversation."

    def _forget(self, call: CommandCall) -> str:
        if not is_forget_request("forget", call.argument):
            return "Send /forget me to delete everything I store about you."
        self._store.delete_user(call.speaker)
        if call.speaker < 0:
            return FORGOTTEN_CHAT
        return "I have deleted everything I stored about you."


def is_forget_request(name: str, argument: str) -> bool:
    """Returns whether a command asks to delete everything that is stored about its sender."""
    return name == "forget" and argument.lower() == "me"
