"""Who is in a chat log: counts people, kinds of messages and chats while the messages pass."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from autocakechat.errors import UserError
from autocakechat.interface.chatlog import Chat, MessageBatch
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import SourceType
from autocakechat.statistics.activity import ActivityCounter, ActivityReport, DurationBin, MessageGaps
from autocakechat.text import escape_control_characters, pluralize

_TEXT = "text"
_SERVICE = "service"


@attrs.frozen
class Participant:
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
        name = escape_control_characters(self.name) if self.name else "no name"
        return f"{escape_control_characters(self.id)} ({name}, {pluralize(self.messages, 'message')})"


class ParticipantCounter:
    """Counts who wrote how much.

    Example:
        ```python
        census = Census()
        chat.tap(census.counted)     # before the chat is read; its messages are counted as they pass
        ...
        for person in census.people(): print(person)
        ```
    """

    def __init__(self) -> None:
        self._written: Counter[str] = Counter()
        # Those of the messages that are not just somebody's own text: by sender, kind and whether they are own words.
        self._special: Counter[tuple[str, str, bool]] = Counter()
        self._names: dict[str, str | None] = {}
        self._silences = MessageGaps()

    def count_batches(self, batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
        """Hands the messages of one chat on, batch by batch, and counts them."""
        last: Sequence[int] = ()
        for batch in batches:
            self._written.update(batch.senders)
            if not batch.kinds.count(_TEXT) == batch.own_words.count(True) == len(batch):
                each = zip(batch.senders, batch.kinds, batch.own_words, strict=True)
                self._special.update([entry for entry in each if entry[1] != _TEXT or not entry[2]])
            for sender, name in dict(zip(batch.senders, batch.sender_names, strict=True)).items():
                self._names[sender] = name or self._names.get(sender)
            self._silences.add([*last, *batch.sent])
            last = batch.sent[-1:]
            yield batch

    def merge(self, other: ParticipantCounter) -> None:
        """Adds what was counted elsewhere, later."""
        self._written.update(other._written)
        self._special.update(other._special)
        self._names |= other._names
        self._silences.merge(other._silences)

    def silences(self) -> list[DurationBin]:
        """How much time passed between neighbouring messages."""
        return self._silences.report()

    def people(self) -> list[Participant]:
        """Everybody who wrote so far, those who wrote most first; not those of whom there are no own words at all."""
        totals: Counter[str] = Counter()
        entries = self._entries()
        speakers = {sender for (sender, _, own_words) in entries if own_words}
        for (sender, kind, _), number in entries.items():
            if sender in speakers and sender and not kind.startswith(_SERVICE):
                totals[sender] += number
        return _ranked(totals, self._names)

    def kinds(self) -> dict[str, int]:
        """How many messages of each kind there were, the most frequent first."""
        totals: Counter[str] = Counter()
        for (_, kind, _), number in self._entries().items():
            totals[kind] += number
        return dict(sorted(totals.items(), key=lambda entry: (-entry[1], entry[0])))

    def _entries(self) -> Counter[tuple[str, str, bool]]:
        """How many messages there are, by sender, kind and whether they are own words."""
        texts = Counter(self._written)
        for (sender, _, _), number in self._special.items():
            texts[sender] -= number
        plain = Counter({(sender, _TEXT, True): number for sender, number in texts.items()})
        return plain + self._special  # without those of which none are left


@attrs.frozen
class ChatSummary:
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
    people: list[Participant]


@attrs.frozen
class LogSummary:
    """A whole log.

    Attributes:
        source: Name of the source that read it.
        messages: How many messages there are, all kinds.
        people: Who wrote, those who wrote most first.
        chats: The chats, in the order of the log.
        activity: When was written.
    """

    source: str
    messages: int
    people: list[Participant]
    chats: list[ChatSummary]
    activity: ActivityReport


def inspect_log(source: SourceType, path: Path, run: RunContext) -> LogSummary:
    """Reads a log and tells who is in it.

    Args:
        source: What can read it.
        path: The log.
        run: What the source is handed.

    Raises:
        UserError: There is nothing that the source can read.
    """
    options = source_options(source, path)
    activity = ActivityCounter()
    chats = [
        summarize_chat(chat, activity) for part in source.inputs(options) for chat in source.read(options, part, run)
    ]
    totals: Counter[str] = Counter()
    names: dict[str, str | None] = {}
    for person in (person for chat in chats for person in chat.people):
        totals[person.id] += person.messages
        names[person.id] = person.name or names.get(person.id)
    return LogSummary(
        source=source.name,
        messages=sum(chat.messages for chat in chats),
        people=_ranked(totals, names),
        chats=chats,
        activity=activity.report(),
    )


def source_options(source: SourceType, path: Path) -> Any:
    """The options of a source that is to read a path, and for the rest does what it does by default.

    Raises:
        UserError: It needs to be told more.
    """
    required = {field.name for field in attrs.fields(source.config) if field.default is attrs.NOTHING}
    if not hasattr(attrs.fields(source.config), "path") or required - {"path"}:
        needs = ", ".join(sorted(required - {"path"})) or "no path"
        raise UserError(f"source '{source.name}' cannot be asked like this: it needs {needs}", "use a pipeline.toml")
    return source.config(path=path)


def summarize_chat(chat: Chat, activity: ActivityCounter) -> ChatSummary:
    """Reads a chat to its end and tells who is in it.

    Args:
        chat: The chat.
        activity: Where to count when was written, over all chats.
    """
    census = ParticipantCounter()
    chat.tap(census.count_batches)
    chat.tap(activity.count_batches)
    deque(chat.batches, maxlen=0)
    return ChatSummary(
        id=chat.id,
        title=chat.title,
        kind=chat.kind,
        skipped=chat.skip,
        messages=len(chat.ledger),
        kinds=census.kinds(),
        people=census.people(),
    )


def _ranked(totals: dict[str, int], names: dict[str, str | None]) -> list[Participant]:
    ranked = sorted(totals.items(), key=lambda entry: (-entry[1], entry[0]))
    return [Participant(sender, names.get(sender), number) for sender, number in ranked]
