"""Who may talk to the bot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from telegram import Chat, User

from autocakechat.plugins.deployers.telegram.event_log import Journal
from autocakechat.plugins.deployers.telegram.storage.store import Store


class Access:
    """The list of who is invited.

    A username is tied to the id of the first user seen with it, since usernames can be given up and taken by somebody
    else. An invited group lets its members in, in that group.

    Args:
        allow: User ids, chat ids and usernames, or "everyone".
        store: Where usernames are tied to ids.
        journal: Where that is told.
    """

    def __init__(self, allow: Literal["everyone"] | Iterable[int | str], store: Store, journal: Journal) -> None:
        self._everyone = allow == "everyone"
        self._ids: set[int] = set()
        self._usernames: set[str] = set()
        self._store = store
        self._journal = journal
        for entry in () if allow == "everyone" else allow:
            self._invite(entry)

    def _invite(self, entry: int | str) -> None:
        text = str(entry).strip()
        if text.removeprefix("-").isdecimal():
            self._ids.add(int(text))
        else:
            self._usernames.add(text.removeprefix("@").lower())

    def admits(self, user: User, chat: Chat) -> bool:
        """Tells whether somebody may talk to the bot in a chat."""
        if self._everyone or chat.id in self._ids or self._store.former(chat.id) in self._ids:
            return True
        return user.id in self._ids or self._is_pinned(user) or self._pins_now(user)

    def _is_pinned(self, user: User) -> bool:
        return any(self._store.pinned(username) == user.id for username in self._usernames)

    def _pins_now(self, user: User) -> bool:
        username = (user.username or "").lower()
        if username not in self._usernames or self._store.pinned(username) is not None:
            return False
        self._store.pin(username, user.id)
        self._journal.tell("username pinned", username=username, user=user.id)
        return True
