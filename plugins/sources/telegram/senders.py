"""Who speaks in a chat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autocakechat.plugins.sources.telegram import peer_ids
from autocakechat.plugins.sources.telegram.byte_buffer import Header
from autocakechat.plugins.sources.telegram.raw_messages import Record


class Sender(NamedTuple):
    """What is known of a sender.

    Attributes:
        id: Such as `user123`; empty if nobody sent it.
        outgoing: Whether it is the owner of the export; None if that is not known.
        is_person: Whether it is no channel and no anonymous admin.
    """

    id: str
    outgoing: bool | None
    is_person: bool


class Senders:
    """The senders of a chat. Each is worked out once, when it is first met.

    Args:
        header: What is known of the chat.
        words: Whether ids are words in this file.
        owner: Id of whom the export belongs to, if that is known.

    Attributes:
        known: Those met so far, by their ids as they stand in the file.
    """

    def __init__(self, header: Header, *, words: bool, owner: str | None) -> None:
        self.known: dict[str | int | None, Sender] = {}
        self._words = words
        self._private = peer_ids.is_private(header.type)
        self._owner = owner
        self._partner: str | None = None
        if header.id is not None:
            chat = peer_ids.chat_id(header.id, header.type, words=words)
            if header.type == "saved_messages":
                self._owner = chat
            elif header.type in ("personal_chat", "bot_chat"):
                self._partner = chat

    def meet(self, id: str | int | None) -> Sender:
        """Works out who a sender is."""
        name = peer_ids.sender_id(id, words=self._words, private=self._private)
        is_person = peer_ids.is_person(name)
        self.known[id] = sender = Sender(name, self._is_owner(name) if is_person else None, is_person)
        return sender

    def meet_all(self, ids: Sequence[str | int | None]) -> list[Sender]:
        """Tells of each of some senders who it is."""
        known = self.known
        try:
            return [known[each] for each in ids]
        except KeyError:
            return [known[each] if each in known else self.meet(each) for each in ids]

    def look_at(self, records: Iterable[Record]) -> None:
        """Looks at the first messages of a chat: if its two people are others than its id says, it is not believed."""
        speakers = {self.meet(sender).id for sender in {each.sender for each in records if each.type == "message"}}
        if self._partner and len(speakers) > 1 and self._partner not in speakers:
            self._partner = None
        self.known.clear()

    def _is_owner(self, id: str) -> bool | None:
        if self._owner:
            return id == self._owner
        return id != self._partner if self._partner else None
