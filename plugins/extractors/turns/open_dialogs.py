"""The open dialogs of a chat: one, or one for each topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from autocakechat import Message
from autocakechat.plugins.extractors.turns.dialogs import Turn

_MAX_DIALOGS = 1000  # topics with an open dialog; more only if `gap_minutes` is very long


@attrs.define
class OpenDialog:
    """A dialog that may continue.

    Attributes:
        turns: The turns alternate: those at even indices are a client's, those at odd indices the server's.
        previous_time: When its last message was sent.
        after_unread: Whether a client has sent something without text since the last turn, such as a picture. The
            server's next message may be about it.
    """

    turns: list[Turn] = attrs.Factory(list)
    previous_time: int = 0
    after_unread: bool = False


class OpenDialogs:
    """The open dialogs of one chat.

    Args:
        max_gap: The longest pause within a dialog, in seconds.
    """

    def __init__(self, max_gap: int) -> None:
        self._max_gap = max_gap
        self._by_topic: dict[str, OpenDialog] = {}

    def of_topic(self, topic: str) -> OpenDialog:
        """Returns the open dialog of a topic, perhaps one without turns."""
        return self._by_topic.setdefault(topic, OpenDialog())

    def all(self) -> Iterable[OpenDialog]:
        """Returns all open dialogs."""
        return self._by_topic.values()

    def positions(self) -> set[int]:
        """Returns the positions of all messages in open dialogs."""
        return {message.position for dialog in self.all() for turn in dialog.turns for message in turn}

    def take_ended(self, message: Message, topic: str) -> Iterator[OpenDialog]:
        """Removes and yields the dialogs that a pause has ended, so that topics do not accumulate.

        Args:
            message: The latest message.
            topic: Its topic, whose dialog stays open.
        """
        oldest_first = sorted(self._by_topic.items(), key=_previous_time)
        surplus = len(oldest_first) - _MAX_DIALOGS
        for number, (other, dialog) in enumerate(oldest_first):
            is_over = message.sent - dialog.previous_time > self._max_gap or number < surplus
            if is_over and other != topic:
                del self._by_topic[other]
                yield dialog


def _previous_time(entry: tuple[str, OpenDialog]) -> int:
    return entry[1].previous_time
