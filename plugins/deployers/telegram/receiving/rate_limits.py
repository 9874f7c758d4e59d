"""How much one user may ask for, and how much may wait in all."""

from __future__ import annotations

import time
from collections import deque

from autocakechat.plugins.deployers.telegram.storage.store import Store

_MINUTE = 60.0


class Limits:
    """Limits on what is answered.

    Args:
        messages_per_minute: Most messages of one user in a minute.
        queue: Most messages that may wait for an answer.
        store: Where they wait.
    """

    def __init__(self, messages_per_minute: int, queue: int, store: Store) -> None:
        self._messages_per_minute = messages_per_minute
        self._queue = queue
        self._store = store
        self._recent: dict[int, deque[float]] = {}
        self._told: dict[int, float] = {}

    def exceeded_by(self, user: int) -> str | None:
        """Counts a message of a user.

        Returns:
            What to tell the user if the message cannot be answered, else None.
        """
        recent = self._recent.setdefault(user, deque())
        now = time.monotonic()
        while recent and now - recent[0] > _MINUTE:
            recent.popleft()
        if len(recent) >= self._messages_per_minute:
            return "That was a lot at once. Please wait a minute and write again."
        if self._store.lines_waiting() >= self._queue:
            return "Too many people are writing to me right now. Please write again in a few minutes."
        recent.append(now)
        return None

    def may_tell(self, user: int) -> bool:
        """Whether a user has not been told of a limit for a minute: being told is limited as well."""
        now = time.monotonic()
        if now - self._told.get(user, -_MINUTE) < _MINUTE:
            return False
        self._told[user] = now
        return True

    def tidy(self) -> None:
        """Forgets users who are far from any limit."""
        now = time.monotonic()
        self._recent = {user: times for user, times in self._recent.items() if times and now - times[-1] <= _MINUTE}
        self._told = {user: told for user, told in self._told.items() if now - told <= _MINUTE}
