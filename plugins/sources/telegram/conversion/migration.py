"""Counts the history of a group once if the export also contains the supergroup that the group became.

The exporter puts the messages of the former group in front of those of the supergroup, with negative ids. An old export
of the group, or the group itself in the export of an account, contains the same messages.
"""

from __future__ import annotations

from collections.abc import Iterator

from autocakechat import MessageBatch
from autocakechat.plugins.sources.telegram.conversion.merging import make_duplicate

ID_SHIFT = 1_000_000_000
"""The id of a message in the group is the one in the supergroup plus this number."""


class MigratedHistories:
    """The histories of groups that were read so far, by the id and the time of their first message."""

    def __init__(self) -> None:
        self._last_ids: dict[tuple[int, int], int] = {}

    def read_once(self, batches: Iterator[MessageBatch], *, is_supergroup: bool) -> Iterator[MessageBatch]:
        """Yields the messages of a group or supergroup; those of a history that was already read, as duplicates.

        Args:
            batches: The messages.
            is_supergroup: Whether it is a supergroup; its history consists of the messages with negative ids.
        """
        shift = ID_SHIFT if is_supergroup else 0
        first = known_until = None
        last = 0
        for batch in batches:
            if is_supergroup and batch.ids[0] >= 0:
                yield batch
                break
            if first is None:
                first = batch.ids[0] + shift, batch.sent[0]
                known_until = self._last_ids.get(first)
            ids = [id_ + shift if id_ < 0 or not is_supergroup else 0 for id_ in batch.ids]
            last = max(last, *ids)
            if known_until is not None:
                batch = _mark_duplicates(batch, [0 < id_ <= known_until for id_ in ids])
            yield batch
        if first is not None:
            self._last_ids[first] = max(last, known_until or 0)
        yield from batches


def _mark_duplicates(batch: MessageBatch, duplicates: list[bool]) -> MessageBatch:
    """Removes text and sender of duplicates; the other messages stay as they are."""
    messages = zip(batch, duplicates, strict=True)
    return MessageBatch.of([make_duplicate(message) if duplicate else message for message, duplicate in messages])
