"""When people write and how fast they answer: counted while the messages of a log pass."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import compress, repeat
from operator import add, floordiv, ne, sub

import attrs

from autocakechat.interface.chatlog import MessageBatch

_HOUR = 3600
_LAST_HOUR = 4_102_444_800 // _HOUR  # the year 2100: later ones are faults of a log

# Lower ends of spans of time, in seconds, and what they are called.
_SPANS = {
    0: "under 10 seconds",
    10: "10 to 60 seconds",
    60: "1 to 5 minutes",
    300: "5 to 30 minutes",
    1800: "30 minutes to 2 hours",
    7200: "2 to 24 hours",
    86_400: "1 to 7 days",
    604_800: "over a week",
}
_ENDS = tuple(_SPANS)[1:]


@attrs.frozen
class DurationBin:
    """How often something took so long: at least `seconds`, and less than the next span begins with."""

    seconds: int
    label: str
    count: int


@attrs.frozen
class ResponseTimes:
    """How long a person takes to answer: the time to a message from the one before, if that was somebody else's."""

    id: str
    answers: int
    spans: list[DurationBin]


@attrs.frozen
class ActivityReport:
    """When was written.

    Attributes:
        months: How many messages in each month from the first to the last, `2024-05`.
        hours: How many in each of the 24 hours of the day. Both in the time zone of this computer.
        silences: How much time passed between neighbouring messages of a chat.
        answering: How fast people answer, those who answered most first.
        unlearnable: How many messages nobody can learn from, by reason.
    """

    months: dict[str, int]
    hours: list[int]
    silences: list[DurationBin]
    answering: list[ResponseTimes]
    unlearnable: dict[str, int]


class MessageGaps:
    """Counts how much time passes between neighbouring messages."""

    def __init__(self) -> None:
        self._counts = [0] * len(_SPANS)

    def add(self, sent: Sequence[int]) -> None:
        """Counts the times between messages.

        Args:
            sent: When they were sent, in their order.
        """
        # Sorted, the spans are told apart by their ends, and not one by one.
        silences = sorted(map(sub, sent[1:], sent))
        ends = [*(bisect_left(silences, end) for end in _ENDS), len(silences)]
        self._counts = [count + end - start for count, start, end in zip(self._counts, [0, *ends], ends, strict=False)]

    def merge(self, other: MessageGaps) -> None:
        """Adds what was counted elsewhere."""
        self._counts = list(map(add, self._counts, other._counts))

    def report(self) -> list[DurationBin]:
        """What was counted, the shortest first."""
        return _spans(self._counts)


class ActivityCounter:
    """Counts when was written."""

    def __init__(self) -> None:
        self._hours: Counter[int] = Counter()
        self._silences = MessageGaps()
        self._answers: Counter[tuple[str, int]] = Counter()
        self._empty: Counter[str] = Counter()
        self._foreign = 0

    def count_batches(self, batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
        """Hands the messages of one chat on, batch by batch, and counts them."""
        last_sender: Sequence[str] = ()
        last_sent: Sequence[int] = ()
        for batch in batches:
            senders, sent = [*last_sender, *batch.senders], [*last_sent, *batch.sent]
            self._silences.add(sent)
            changes = list(map(ne, senders[1:], senders))
            waited = [bisect_right(_ENDS, silence) for silence in compress(map(sub, sent[1:], sent), changes)]
            self._answers.update(zip(compress(senders[1:], changes), waited, strict=True))
            self._hours.update(map(floordiv, batch.sent, repeat(_HOUR)))
            if not all(batch.texts):
                self._empty.update([kind for kind, text in zip(batch.kinds, batch.texts, strict=True) if not text])
            self._foreign += batch.own_words.count(False)
            last_sender, last_sent = batch.senders[-1:], batch.sent[-1:]
            yield batch

    def report(self) -> ActivityReport:
        """What was counted."""
        months: Counter[str] = Counter()
        hours = [0] * 24
        for hour, number in self._hours.items():
            if 0 <= hour < _LAST_HOUR:
                moment = datetime.fromtimestamp(hour * _HOUR)
                months[f"{moment:%Y-%m}"] += number
                hours[moment.hour] += number
        unlearnable = {f"no text: {kind}": number for kind, number in self._empty.most_common()}
        if self._foreign:
            unlearnable["not the sender's own words"] = self._foreign
        return ActivityReport(
            months={month: months[month] for month in _months(months)},
            hours=hours,
            silences=self._silences.report(),
            answering=self._answering(),
            unlearnable=unlearnable,
        )

    def _answering(self) -> list[ResponseTimes]:
        people: dict[str, Counter[int]] = {}
        for (sender, span), number in self._answers.items():
            if sender:
                people.setdefault(sender, Counter())[span] += number
        found = [ResponseTimes(sender, counts.total(), _spans(counts)) for sender, counts in people.items()]
        return sorted(found, key=lambda each: (-each.answers, each.id))


def _spans(counts: Sequence[int] | Counter[int]) -> list[DurationBin]:
    return [DurationBin(seconds, label, counts[place]) for place, (seconds, label) in enumerate(_SPANS.items())]


def _months(found: Iterable[str]) -> Iterator[str]:
    """All months from the first to the last, those without a message too."""
    ordered = sorted(found)
    if not ordered:
        return
    year, month = map(int, ordered[0].split("-"))
    while (name := f"{year:04}-{month:02}") <= ordered[-1]:
        yield name
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
