"""Decides who may use the bot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from telegram import Chat, User

from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore


class AccessControl:
    """The list of users and groups with access.

    A username is pinned to the id of the first user seen with it, because its owner can give it up and another user can
    take it. A group gives access to all of its members, in that group only.

    Args:
        allow: The `allow` option: user ids, chat ids and usernames, or "everyone".
        store: Keeps the ids that usernames are pinned to.
        event_log: Receives pinned usernames.
    """

    def __init__(
        self, allow: Literal["everyone"] | Iterable[int | str], store: ConversationStore, event_log: EventLog
    ) -> None:
        self._everyone = allow == "everyone"
        self._ids: set[int] = set()
        self._usernames: set[str] = set()
        self._store = store
        self._event_log = event_log
        if allow != "everyone":
            for entry in allow:
                self._add(str(entry).strip())

    def _add(self, entry: str) -> None:
        if entry.removeprefix("-").isdecimal():
            self._ids.add(int(entry))
        else:
            self._usernames.add(entry.removeprefix("@").lower())

    def has_access(self, user: User, chat: Chat) -> bool:
        """Returns whether a user may use the bot in a chat."""
        if self._everyone or chat.id in self._ids or self._store.id_before_migration(chat.id) in self._ids:
            return True
        return user.id in self._ids or self._is_pinned(user) or self._pin(user)

    def _is_pinned(self, user: User) -> bool:
        return any(self._store.pinned_user(username) == user.id for username in self._usernames)

    def _pin(self, user: User) -> bool:
        """Pins the user's name if it is listed and not pinned yet; returns whether it did."""
        username = (user.username or "").lower()
        if username not in self._usernames or self._store.pinned_user(username) is not None:
            return False
        self._store.pin_username(username, user.id)
        self._event_log.log("username pinned", username=username, user=user.id)
        return True
