"""Counts who writes how much, in messages of which kind, while the messages of a log stream past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import attrs

from autocakechat.interface.chatlog import MessageBatch
from autocakechat.statistics.activity import DurationBin, MessageGaps
from autocakechat.text import escape_control_characters, pluralize

_TEXT = "text"
_SERVICE = "service"


@attrs.frozen
class Participant:
    """A sender of messages.

    Attributes:
        id: The sender's id, in the form that an extractor's option `server` takes.
        name: The most recent name shown for the sender, if any.
        messages: Number of messages; service messages, such as calls and new members, do not count.
    """

    id: str
    name: str | None
    messages: int

    def __str__(self) -> str:
        name = escape_control_characters(self.name) if self.name else "no name"
        return f"{escape_control_characters(self.id)} ({name}, {pluralize(self.messages, 'message')})"


class ParticipantCounter:
    """Counts messages by sender and by kind.

    Example:
        ```python
        counter = ParticipantCounter()
        chat.tap(counter.count_batches)  # before the chat is read; its messages are counted as they stream past
        ...
        for participant in counter.ranking():
            print(participant)
        ```
    """

    def __init__(self) -> None:
        self._by_sender: Counter[str] = Counter()
        # Most messages are text in the sender's own words. Only the others are counted by sender, kind and own words.
        self._unusual: Counter[tuple[str, str, bool]] = Counter()
        self._names: dict[str, str | None] = {}
        self._gaps = MessageGaps()

    def count_batches(self, batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
        """Counts the messages of one chat and yields its batches unchanged."""
        last_time: Sequence[int] = ()
        for batch in batches:
            self._by_sender.update(batch.senders)
            if not batch.kinds.count(_TEXT) == batch.own_words.count(True) == len(batch):
                self._count_unusual(batch)
            self._add_names(batch)
            self._gaps.add([*last_time, *batch.sent])
            last_time = batch.sent[-1:]
            yield batch

    def _add_names(self, batch: MessageBatch) -> None:
        """Stores the most recent name of each sender; a message without a name changes nothing."""
        latest = dict(zip(batch.senders, batch.sender_names, strict=True))
        if not all(latest.values()):
            rows = zip(batch.senders, batch.sender_names, strict=True)
            latest |= {sender: name for sender, name in rows if name}
        self._names |= {sender: name or self._names.get(sender) for sender, name in latest.items()}

    def _count_unusual(self, batch: MessageBatch) -> None:
        rows = zip(batch.senders, batch.kinds, batch.own_words, strict=True)
        self._unusual.update([row for row in rows if row[1] != _TEXT or not row[2]])

    def merge(self, other: ParticipantCounter) -> None:
        """Adds the counts of another counter, whose messages come after those of this one."""
        self._by_sender.update(other._by_sender)
        self._unusual.update(other._unusual)
        self._names |= {sender: name or self._names.get(sender) for sender, name in other._names.items()}
        self._gaps.merge(other._gaps)

    def gaps(self) -> list[DurationBin]:
        """Returns the histogram of the gaps between consecutive messages of a chat."""
        return self._gaps.report()

    def ranking(self) -> list[Participant]:
        """Returns the participants, most messages first. Senders without any own words are left out."""
        totals: Counter[str] = Counter()
        counts = self._counts()
        speakers = {sender for (sender, _, own_words) in counts if own_words}
        for (sender, kind, _), count in counts.items():
            if sender in speakers and sender and not kind.startswith(_SERVICE):
                totals[sender] += count
        return self.rank(totals)

    def rank(self, messages: Mapping[str, int]) -> list[Participant]:
        """Sorts participants by a number of their messages, most first; see `rank_participants`."""
        return rank_participants(messages, self._names)

    def kinds(self) -> dict[str, int]:
        """Returns the number of messages of each kind, the most frequent kind first."""
        totals: Counter[str] = Counter()
        for (_, kind, _), count in self._counts().items():
            totals[kind] += count
        return dict(sorted(totals.items(), key=lambda entry: (-entry[1], entry[0])))

    def _counts(self) -> Counter[tuple[str, str, bool]]:
        """Returns the number of messages by sender, kind and whether they are the sender's own words."""
        own_texts = Counter(self._by_sender)
        for (sender, _, _), count in self._unusual.items():
            own_texts[sender] -= count
        usual = Counter({(sender, _TEXT, True): count for sender, count in own_texts.items()})
        return usual + self._unusual  # the sum drops counts of zero


def rank_participants(messages: Mapping[str, int], names: Mapping[str, str | None]) -> list[Participant]:
    """Sorts participants by their number of messages, most first.

    Args:
        messages: Number of messages by sender id.
        names: The name shown for a sender, by sender id.
    """
    ranked = sorted(messages.items(), key=lambda entry: (-entry[1], entry[0]))
    return [Participant(sender, names.get(sender), count) for sender, count in ranked]
