"""The ledger of a chat: who sent each message, and whether it was kept or dropped, and why."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autocakechat.interface.type_checks import require_type


class Tally(NamedTuple):
    """Counts of the messages of a ledger.

    Attributes:
        read: Messages that were read.
        kept: Messages whose text is in the corpus.
        dropped: Dropped messages by reason.
        unsettled: Messages that are unaccounted for: neither kept nor dropped.
    """

    read: int
    kept: int
    dropped: dict[str, int]
    unsettled: int


class _SenderNumbers(dict[str, int]):
    """Numbers senders in the order of their first message. Senders after the first 65,536 share the last number.

    Attributes:
        names: The senders, in the order of their numbers.
    """

    _LAST = 2**16 - 1

    def __init__(self) -> None:
        self.names: list[str] = []

    def __missing__(self, sender: str) -> int:
        number = self[sender] = min(len(self), self._LAST)
        if number == len(self.names):
            self.names.append(sender)
        return number


class Ledger:
    """Records who sent each message of a chat, and whether it was kept or dropped, and why: three bytes per message.

    A message is kept if its text is in a written dialog. Otherwise the first reason for dropping it counts.

    Args:
        is_group: Whether the chat is a group.

    Attributes:
        is_group: Whether the chat is a group.
        notes: Events other than dropped messages, and how often each happened.
        topics: Number of messages by topic; empty for a chat without topics.
    """

    _UNACCOUNTED = 0
    _KEPT = 1
    _FIRST_REASON = 2
    _MAX_REASONS = 253  # their codes are 2 to 254; 255 is for all other reasons

    def __init__(self, is_group: bool = False) -> None:
        self.is_group = is_group
        self._states = bytearray()
        self._senders = array("H")
        self._sender_numbers = _SenderNumbers()
        self._codes: dict[str, int] = {}
        self.notes: Counter[str] = Counter()
        self.topics: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._states)

    def add(self, senders: Sequence[str]) -> range:
        """Adds messages that were read, and returns their positions.

        Args:
            senders: The sender of each message.
        """
        first = len(self._states)
        self._states.extend(bytes(len(senders)))  # zeros: unaccounted for
        self._senders.extend(map(self._sender_numbers.__getitem__, senders))
        return range(first, len(self._states))

    def count_topics(self, topics: Sequence[str]) -> None:
        """Counts messages by topic.

        Args:
            topics: The topic of each message; empty for a message without one.
        """
        self.topics.update(filter(None, topics))

    def count_senders(self, positions: Iterable[int]) -> Counter[str]:
        """Counts messages by sender.

        Args:
            positions: The positions of the messages.
        """
        counts = Counter(map(self._senders.__getitem__, positions))
        return Counter({self._sender_numbers.names[number]: count for number, count in counts.items()})

    def sender(self, position: int) -> str:
        """Returns the sender of a message.

        Args:
            position: The position of the message.
        """
        return self._sender_numbers.names[self._senders[position]]

    def drop(self, position: int, reason: str) -> None:
        """Records that a message is dropped, unless it was already kept or dropped."""
        if self._states[position] == self._UNACCOUNTED:
            if reason not in self._codes:
                require_type("the reason of a dropped message", reason, str)
                reason = reason if len(self._codes) < self._MAX_REASONS else "other reasons"
            code = self._codes.setdefault(reason, len(self._codes) + self._FIRST_REASON)
            self._states[position] = code

    def keep(self, positions: Iterable[int]) -> None:
        """Records that messages are kept, even if they were dropped before."""
        positions = list(positions)
        if positions and positions == list(range(positions[0], positions[0] + len(positions))):
            # The usual case, consecutive messages: one slice instead of a loop.
            self._states[positions[0] : positions[0] + len(positions)] = bytes([self._KEPT]) * len(positions)
            return
        for position in positions:
            self._states[position] = self._KEPT

    def tally(self) -> Tally:
        """Counts the messages read so far."""
        dropped = {reason: self._states.count(code) for reason, code in self._codes.items()}
        return Tally(
            read=len(self._states),
            kept=self._states.count(self._KEPT),
            dropped={reason: count for reason, count in dropped.items() if count},
            unsettled=self._states.count(self._UNACCOUNTED),
        )
