"""The senders of a chat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autocakechat.plugins.sources.telegram.conversion import peer_ids
from autocakechat.plugins.sources.telegram.parsing.raw_messages import ChatHeader, RawMessage


class Sender(NamedTuple):
    """A sender of messages.

    Attributes:
        id: Normalised id such as `user123`; empty for messages without a sender.
        outgoing: Whether the sender is the owner of the export; None if the owner is unknown.
        is_person: Whether the sender is a user, not a channel or anonymous admin.
    """

    id: str
    outgoing: bool | None
    is_person: bool


class SenderTable:
    """The senders of a chat. Each id is resolved once.

    Args:
        header: The header of the chat.
        prefixed_ids: Whether the ids of the file have a type prefix such as `user123`.
        owner: Normalised id of the owner of the export, if known.

    Attributes:
        resolved: The senders so far, by their ids in the file.
    """

    def __init__(self, header: ChatHeader, *, prefixed_ids: bool, owner: str | None) -> None:
        self.resolved: dict[str | int | None, Sender] = {}
        self._prefixed_ids = prefixed_ids
        self._private = peer_ids.is_private(header.type)
        self._owner = owner
        self._partner: str | None = None
        if header.id is not None:
            chat_id = peer_ids.chat_id(header.id, header.type, prefixed=prefixed_ids)
            if header.type == "saved_messages":
                self._owner = chat_id
            elif header.type in ("personal_chat", "bot_chat"):
                self._partner = chat_id

    def resolve(self, raw_id: str | int | None) -> Sender:
        """Resolves an id of the file."""
        normalised = peer_ids.sender_id(raw_id, prefixed=self._prefixed_ids, private=self._private)
        is_person = peer_ids.is_person(normalised)
        outgoing = self._is_owner(normalised) if is_person else None
        self.resolved[raw_id] = sender = Sender(normalised, outgoing, is_person)
        return sender

    def resolve_all(self, raw_ids: Sequence[str | int | None]) -> list[Sender]:
        """Resolves the ids of many messages."""
        resolved = self.resolved
        try:
            return [resolved[raw_id] for raw_id in raw_ids]
        except KeyError:
            return [resolved[raw_id] if raw_id in resolved else self.resolve(raw_id) for raw_id in raw_ids]

    def verify_partner(self, messages: Iterable[RawMessage]) -> None:
        """Checks the partner of a personal chat against its first messages.

        The chat's id names the partner. If two people write and neither has this id, the id is wrong, and the owner of
        the export stays unknown.
        """
        raw_ids = {message.sender for message in messages if message.type == "message"}
        senders = {self.resolve(raw_id).id for raw_id in raw_ids}
        if self._partner and len(senders) > 1 and self._partner not in senders:
            self._partner = None
        self.resolved.clear()

    def _is_owner(self, id: str) -> bool | None:
        if self._owner:
            return id == self._owner
        return id != self._partner if self._partner else None
