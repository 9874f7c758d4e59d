"""Counts when messages are sent and how fast participants reply, while the messages of a log stream past."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from operator import add, sub

import attrs

from autocakechat.interface.chatlog import MessageBatch

_HOUR = 3600
_YEAR_2100 = 4_102_444_800
_LAST_HOUR = _YEAR_2100 // _HOUR  # a later time is an error in the log

# Lower edge of each bin, in seconds, and its label. The labels are part of report.json.
_BIN_LABELS = {
    0: "under 10 seconds",
    10: "10 to 60 seconds",
    60: "1 to 5 minutes",
    300: "5 to 30 minutes",
    1800: "30 minutes to 2 hours",
    7200: "2 to 24 hours",
    86_400: "1 to 7 days",
    604_800: "over a week",
}
_INNER_EDGES = tuple(_BIN_LABELS)[1:]


@attrs.frozen
class DurationBin:
    """A bar of a histogram of durations.

    Attributes:
        seconds: Lower edge, included. The upper edge, excluded, is the lower edge of the next bin.
        label: The range in words.
        count: How many durations fall into the bin.
    """

    seconds: int
    label: str
    count: int


@attrs.frozen
class ResponseTimes:
    """How long a participant takes to reply: the time since the previous message, if another participant sent it.

    Attributes:
        id: The participant's id.
        answers: Number of replies.
        spans: Histogram of the times, shortest first.
    """

    id: str
    answers: int
    spans: list[DurationBin]


@attrs.frozen
class ActivityReport:
    """When messages were sent. Months and hours are in the time zone of this computer.

    Attributes:
        months: Number of messages in each month from the first to the last, by name (`2024-05`).
        hours: Number of messages in each of the 24 hours of the day.
        silences: Histogram of the gaps between consecutive messages of a chat.
        answering: Response times of each participant, most replies first.
        unlearnable: Number of messages that cannot be used for training, by reason.
    """

    months: dict[str, int]
    hours: list[int]
    silences: list[DurationBin]
    answering: list[ResponseTimes]
    unlearnable: dict[str, int]


class MessageGaps:
    """Histogram of the gaps between consecutive messages."""

    def __init__(self) -> None:
        self._counts = [0] * len(_BIN_LABELS)

    def add(self, times: Sequence[int]) -> None:
        """Counts the gaps between messages.

        Args:
            times: When the messages were sent, in seconds, in the order of the chat.
        """
        # Sorting once and bisecting at the bin edges takes a third of the time of one bisection per gap.
        gaps = sorted(map(sub, times[1:], times))
        start = 0
        for index, edge in enumerate(_INNER_EDGES):
            end = bisect_left(gaps, edge, start)
            self._counts[index] += end - start
            start = end
        self._counts[-1] += len(gaps) - start

    def merge(self, other: MessageGaps) -> None:
        """Adds the counts of another histogram."""
        self._counts = list(map(add, self._counts, other._counts))

    def report(self) -> list[DurationBin]:
        """Returns the bins, shortest gaps first."""
        return _duration_bins(self._counts)


class ActivityCounter:
    """Counts when messages are sent, how fast participants reply, and which messages cannot be used for training."""

    def __init__(self) -> None:
        self._hours: Counter[int] = Counter()  # by hours since 1970
        self._gaps = MessageGaps()
        self._response_times: Counter[tuple[str, int]] = Counter()  # by sender and index of the bin
        self._without_text: Counter[str] = Counter()  # by kind of message
        self._not_own_words = 0

    def count_batches(self, batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
        """Counts the messages of one chat and yields its batches unchanged."""
        last_sender: Sequence[str] = ()
        last_time: Sequence[int] = ()
        for batch in batches:
            # The last message of the previous batch comes first: the gap between two batches counts, too.
            senders = [*last_sender, *batch.senders]
            times = [*last_time, *batch.sent]
            self._gaps.add(times)
            self._count_response_times(senders, times)
            self._hours.update([time // _HOUR for time in batch.sent])
            self._count_unusable(batch)
            last_sender, last_time = batch.senders[-1:], batch.sent[-1:]
            yield batch

    def _count_response_times(self, senders: Sequence[str], times: Sequence[int]) -> None:
        self._response_times.update(
            [
                (sender, bisect_right(_INNER_EDGES, time - previous_time))
                for previous_sender, sender, previous_time, time in zip(
                    senders, senders[1:], times, times[1:], strict=False
                )
                if sender != previous_sender
            ]
        )

    def _count_unusable(self, batch: MessageBatch) -> None:
        if not all(batch.texts):
            self._without_text.update([kind for kind, text in zip(batch.kinds, batch.texts, strict=True) if not text])
        self._not_own_words += batch.own_words.count(False)

    def report(self) -> ActivityReport:
        """Returns the counts."""
        months: Counter[str] = Counter()
        hours = [0] * 24
        for hour, count in self._hours.items():
            if 0 <= hour < _LAST_HOUR:
                local_time = datetime.fromtimestamp(hour * _HOUR)
                months[f"{local_time:%Y-%m}"] += count
                hours[local_time.hour] += count
        unusable = {f"no text: {kind}": count for kind, count in self._without_text.most_common()}
        if self._not_own_words:
            unusable["not the sender's own words"] = self._not_own_words
        return ActivityReport(
            months={month: months[month] for month in _month_range(months)},
            hours=hours,
            silences=self._gaps.report(),
            answering=self._report_response_times(),
            unlearnable=unusable,
        )

    def _report_response_times(self) -> list[ResponseTimes]:
        by_sender: dict[str, Counter[int]] = {}
        for (sender, index), count in self._response_times.items():
            if sender:
                by_sender.setdefault(sender, Counter())[index] += count
        response_times = [
            ResponseTimes(sender, counts.total(), _duration_bins(counts)) for sender, counts in by_sender.items()
        ]
        return sorted(response_times, key=lambda entry: (-entry.answers, entry.id))


def _duration_bins(counts: Sequence[int] | Counter[int]) -> list[DurationBin]:
    return [DurationBin(seconds, label, counts[index]) for index, (seconds, label) in enumerate(_BIN_LABELS.items())]


def _month_range(months: Iterable[str]) -> Iterator[str]:
    """Yields every month from the first to the last, including those without messages."""
    ordered = sorted(months)
    if not ordered:
        return
    year, month = map(int, ordered[0].split("-"))
    while (name := f"{year:04}-{month:02}") <= ordered[-1]:
        yield name
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
