"""Finds the message that a reply belongs to: imessage-exporter repeats replies below their message."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable

_MOST = 10_000


class PendingReplies:
    """Replies that were seen below the message that they reply to, and that are later messages themselves.

    Only the latest are kept.
    """

    def __init__(self) -> None:
        self._targets: OrderedDict[Hashable, int] = OrderedDict()

    def add(self, replies: Iterable[Hashable], target: int) -> None:
        """Adds the replies to a message.

        Args:
            replies: What identifies each reply.
            target: The id of the message.
        """
        for reply in replies:
            self._targets[reply] = target
            if len(self._targets) > _MOST:
                self._targets.popitem(last=False)

    def take(self, reply: Hashable) -> int | None:
        """Returns the id of the message that a reply belongs to; None if it is unknown."""
        return self._targets.pop(reply, None)
