"""Limits how many messages one user may send per minute, and how many may be pending in all chats.

The limit per user is a sliding-window log: the times of the user's messages in the last minute are kept and counted.
"""

from __future__ import annotations

import time
from collections import deque

from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore

USER_LIMIT_NOTICE = "That was a lot at once. Please wait a minute and write again."
QUEUE_FULL_NOTICE = "Too many people are writing to me right now. Please write again in a few minutes."

_WINDOW_SECONDS = 60.0


class RateLimits:
    """The limits on messages to the bot.

    Args:
        messages_per_minute: Maximum number of messages of one user per minute.
        max_pending: Maximum number of pending messages of all chats.
        store: Counts the pending messages.
    """

    def __init__(self, messages_per_minute: int, max_pending: int, store: ConversationStore) -> None:
        self._messages_per_minute = messages_per_minute
        self._max_pending = max_pending
        self._store = store
        self._recent_messages: dict[int, deque[float]] = {}
        self._last_notice: dict[tuple[int, str], float] = {}

    def admit(self, user: int) -> str | None:
        """Admits a message of a user, and counts it if it is within the limits.

        Returns:
            None if the message is admitted; the notice for the user if it exceeds a limit.
        """
        now = time.monotonic()
        recent = self._recent_messages.setdefault(user, deque())
        while recent and now - recent[0] > _WINDOW_SECONDS:
            recent.popleft()
        if len(recent) >= self._messages_per_minute:
            return USER_LIMIT_NOTICE
        if self._store.count_pending_messages() >= self._max_pending:
            return QUEUE_FULL_NOTICE
        recent.append(now)
        return None

    def may_notify(self, user: int, subject: str) -> bool:
        """Returns whether a user may get a notice now; notices on one subject are limited to one per minute as well."""
        now = time.monotonic()
        if now - self._last_notice.get((user, subject), -_WINDOW_SECONDS) < _WINDOW_SECONDS:
            return False
        self._last_notice[user, subject] = now
        return True

    def delete_expired(self) -> None:
        """Deletes the entries of users who have not written for a minute."""
        now = time.monotonic()
        self._recent_messages = {
            user: times for user, times in self._recent_messages.items() if times and now - times[-1] <= _WINDOW_SECONDS
        }
        self._last_notice = {
            notice: notified_at
            for notice, notified_at in self._last_notice.items()
            if now - notified_at <= _WINDOW_SECONDS
        }
