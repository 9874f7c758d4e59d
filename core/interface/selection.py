"""Selects the chats and people of a chat log, by their ids or names, while the log is read."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from difflib import get_close_matches
from typing import TypeVar

from msgspec import structs

from autocakechat.errors import ManyProblemsError
from autocakechat.interface.chatlog import Chat, MessageBatch
from autocakechat.text import escape_control_characters, list_items

T = TypeVar("T")

NOT_INCLUDED = "chat not in include"
EXCLUDED_CHAT = "excluded chat"
EXCLUDED_PERSON = "excluded person"
_MAX_LISTED = 5
_ID_SIMILARITY = 0.8  # above that of two ids such as user12 and user34


def select_chats(chats: Iterable[Chat], include: Sequence[str | int], exclude: Sequence[str | int]) -> Iterator[Chat]:
    """Applies the options `include` and `exclude` of a source to its chats.

    An entry is an id, the digits of an id, or a whole name in upper or lower case. The chats must be all chats of the
    log, because only the end of the log shows that an entry fits nothing.

    Args:
        chats: The chats of the log, not read yet.
        include: Chats to read, also if the source skips their kind. All other chats are skipped. Empty for all.
        exclude: Chats to skip, and people whose messages are dropped. Such a message loses its text, sender and name.

    Yields:
        All chats. Those that are not selected have a reason in `skip`.

    Raises:
        ManyProblemsError: At the end of the log: an entry fits nothing, or more than one chat or person.
    """
    if not include and not exclude:
        yield from chats
        return
    selection = _Selection(include, exclude)
    for chat in chats:
        selection.apply(chat)
        yield chat
    selection.raise_problems()


def fits(entry: str, id: str, name: str | None) -> bool:
    """Returns whether an entry denotes a chat or person: by its id, the digits of its id, or its name in any case."""
    if entry == id or (name is not None and entry.casefold() == name.strip().casefold()):
        return True
    return entry.isdecimal() and id.lstrip(string.ascii_letters) == entry


class _Entry:
    """One entry of `include` or `exclude`.

    Attributes:
        text: The entry.
        found: The name of each chat or person that it denotes, by id.
    """

    def __init__(self, entry: str | int) -> None:
        self.text = str(entry).strip()
        self.found: dict[str, str | None] = {}

    def denotes(self, id: str, name: str | None) -> bool:
        """Returns whether the entry denotes a chat or person, and remembers it.

        A person and the private chat with that person have the same id, so one name of either denotes both.
        """
        if id not in self.found:
            if not fits(self.text, id, name):
                return False
            self.found[id] = name
        return True


class _Selection:
    """The entries of both options, and what they denote so far."""

    def __init__(self, include: Sequence[str | int], exclude: Sequence[str | int]) -> None:
        self._include = [_Entry(entry) for entry in include]
        self._exclude = [_Entry(entry) for entry in exclude]
        self._chats: dict[str, str | None] = {}
        self._people: dict[str, str | None] = {}
        self._seen: set[tuple[str, str | None]] = set()
        self._excluded: set[str] = set()
        self._kept: set[str] = set()

    def apply(self, chat: Chat) -> None:
        """Decides whether a chat is skipped, and drops the messages of excluded people when it is read."""
        self._chats[chat.id] = chat.title
        included = _is_denoted(chat.id, chat.title, self._include)
        if _is_denoted(chat.id, chat.title, self._exclude):
            chat.skip = EXCLUDED_CHAT
        elif self._include:
            chat.skip = None if included else NOT_INCLUDED
        if self._exclude:
            chat.tap(self._drop_excluded)

    def raise_problems(self) -> None:
        """Raises an error if an entry does not denote exactly one chat or person."""
        known = self._chats | self._people
        problems = [
            *(_problem("include", entry, "chat", self._chats) for entry in self._include),
            *(_problem("exclude", entry, "chat or person", known, self._kept) for entry in self._exclude),
        ]
        if found := [escape_control_characters(problem) for problem in problems if problem]:
            raise ManyProblemsError(found)

    def _drop_excluded(self, batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
        for batch in batches:
            for sender, name in set(zip(batch.senders, batch.sender_names, strict=True)) - self._seen:
                self._add_sender(sender, name)
            yield batch if self._excluded.isdisjoint(batch.senders) else _without(self._excluded, batch)

    def _add_sender(self, sender: str, name: str | None) -> None:
        self._seen.add((sender, name))
        if not sender:
            return
        self._people[sender] = name or self._people.get(sender)
        if _is_denoted(sender, name, self._exclude):
            self._excluded.add(sender)
        else:
            self._kept.add(sender)


def _is_denoted(id: str, name: str | None, entries: Iterable[_Entry]) -> bool:
    """Returns whether entries denote a chat or person. Every entry is asked, because it remembers what it denotes."""
    return any([entry.denotes(id, name) for entry in entries])  # noqa: C419 - a generator would stop at the first


def _without(senders: Set[str], batch: MessageBatch) -> MessageBatch:
    """Returns a batch in which the messages of some senders are empty."""
    kept = [sender not in senders for sender in batch.senders]

    def blank(column: Sequence[T], value: T) -> list[T]:
        return [cell if keep else value for cell, keep in zip(column, kept, strict=True)]

    return structs.replace(
        batch,
        senders=blank(batch.senders, ""),
        sender_names=blank(batch.sender_names, None),
        texts=blank(batch.texts, ""),
        kinds=blank(batch.kinds, EXCLUDED_PERSON),
        outgoing=blank(batch.outgoing, None),
    )


def _problem(
    option: str, entry: _Entry, what: str, known: Mapping[str, str | None], kept: Set[str] = frozenset()
) -> str:
    """Returns what is wrong with an entry; empty if it denotes exactly one chat or person.

    Args:
        option: The option that lists it.
        entry: The entry.
        what: What the option lists.
        known: The name of every chat or person, by id.
        kept: People of whom at least one message was kept.
    """
    where = f"{option} in [[source]]: {entry.text!r}"
    if not entry.found:
        return f"{where} fits no {what}{_hint(entry.text, known)}"
    if len(entry.found) > 1:
        return f"{where} fits {list_names(entry.found)}; write the id of the right one"
    (only,) = entry.found
    if only in kept:
        return f'{where} is only one of the names of {only}; write the id: "{only}"'
    return ""


def _hint(entry: str, known: Mapping[str, str | None]) -> str:
    """Returns the end of a message about an entry that fits nothing."""
    if similar := find_similar(entry, known):
        return f"; did you mean {list_names(similar)}?"
    return f"; there are {list_names(known)}" if known else ""


def find_similar(entry: str, known: Mapping[str, str | None]) -> dict[str, str | None]:
    """Returns the chats or people whose name contains an entry, or whose id or name resembles it; names by id."""
    folded = entry.casefold()
    names = {key: name.casefold() for key, name in known.items() if name}
    close_names = get_close_matches(folded, names.values(), n=_MAX_LISTED)
    close_ids = get_close_matches(entry, known, n=_MAX_LISTED, cutoff=_ID_SIMILARITY)
    return {
        key: name
        for key, name in known.items()
        if key in close_ids or names.get(key) in close_names or (folded and folded in names.get(key, ""))
    }


def list_names(names: Mapping[str, str | None]) -> str:
    """Lists chats or people, given by id: `user1 (Ann), user2 (Bob) and 3 more`."""
    listed = (f"{key} ({name})" if name and name != key else key for key, name in names.items())
    return list_items(listed, _MAX_LISTED)
