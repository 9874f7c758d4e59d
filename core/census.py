"""Who is in a chat log: counts people, kinds of messages and chats while the messages pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import attrgetter

import attrs

from autocakechat.chatlog import Chat, Message
from autocakechat.text import visible

_BATCH = 256
_SERVICE = "service"
_sender_name_kind = attrgetter("sender", "sender_name", "kind")


@attrs.frozen
class Person:
    """Somebody who wrote.

    Attributes:
        id: What an extractor's `server` is compared with.
        name: The name shown last, if any.
        messages: How many messages of theirs there are; what happened to the chat (a call, a new member) is not one.
    """

    id: str
    name: str | None
    messages: int

    def __str__(self) -> str:
        name = visible(self.name) if self.name else "no name"
        return f"{visible(self.id)} ({name}, {count(self.messages, 'message')})"


class Census:
    """Counts who wrote how much.

    Example:
        ```python
        census = Census()
        chat.through(census.counted)     # before the chat is read; its messages are counted as they pass
        ...
        for person in census.people(): print(person)
        ```
    """

    def __init__(self) -> None:
        self._written: Counter[tuple[str, str | None, str]] = Counter()

    def counted(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Hands messages on and counts them, some hundred at once: one by one would take several times as long."""
        messages = iter(messages)
        while batch := list(islice(messages, _BATCH)):
            self._written.update(map(_sender_name_kind, batch))
            yield from batch

    def people(self) -> list[Person]:
        """Everybody who wrote so far, those who wrote most first."""
        names: dict[str, str | None] = {}
        totals: Counter[str] = Counter()
        for (sender, name, kind), number in self._written.items():
            if sender and not kind.startswith(_SERVICE):
                totals[sender] += number
                names[sender] = name or names.get(sender)
        ranked = sorted(totals.items(), key=lambda entry: (-entry[1], entry[0]))
        return [Person(sender, names[sender], number) for sender, number in ranked]

    def kinds(self) -> dict[str, int]:
        """How many messages of each kind there were, the most frequent first."""
        totals: Counter[str] = Counter()
        for (_, _, kind), number in self._written.items():
            totals[kind] += number
        return dict(sorted(totals.items(), key=lambda entry: (-entry[1], entry[0])))


@attrs.frozen
class ChatCensus:
    """One chat of a log.

    Attributes:
        id: The chat's id.
        title: The name shown for it.
        kind: What kind of chat it is.
        skipped: Why nothing of it would be learnt, or None.
        messages: How many messages there are, all kinds.
        kinds: The same by kind.
        people: Who wrote in it.
    """

    id: str
    title: str | None
    kind: str
    skipped: str | None
    messages: int
    kinds: dict[str, int]
    people: list[Person]


def census_of(chat: Chat) -> ChatCensus:
    """Reads a chat to its end and tells who is in it."""
    census = Census()
    chat.through(census.counted)
    for _ in chat.messages:
        pass
    return ChatCensus(
        id=chat.id,
        title=chat.title,
        kind=chat.kind,
        skipped=chat.skip,
        messages=len(chat.ledger),
        kinds=census.kinds(),
        people=census.people(),
    )


def count(number: int, thing: str) -> str:
    """Says how many of a thing there are: `1 pair`, `1,204 pairs`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
