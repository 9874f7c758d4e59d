"""What a user has to know about the messages of an export, collected while they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from autocakechat import escape_control_characters
from autocakechat.plugins.sources.telegram.parsing.byte_buffer import MAX_VALUE_SIZE

_MAX_NAMES = 100
_MIN_IMPORTED = 2  # of the person who imported, and of others
_NAMES_SHOWN = 5
_NAME_LENGTH = 60


class Findings:
    """Collects findings of one input. Memory is bounded, whatever the messages contain."""

    def __init__(self) -> None:
        self._unknown_fields: Counter[str] = Counter()
        self._unknown_messages = 0
        self._too_large = 0
        self._forwards: dict[str | int | None, tuple[int, int]] = {}  # by sender: of own messages, of others' messages

    def add_too_large(self) -> None:
        """Adds a message that does not fit into memory."""
        self._too_large += 1

    def add_unknown_fields(self, names: Iterable[str]) -> None:
        """Adds a message without text that has unknown fields."""
        self._unknown_messages += 1
        for name in names:
            if name in self._unknown_fields or len(self._unknown_fields) < _MAX_NAMES:
                self._unknown_fields[name] += 1

    def add_forward(self, sender: str | int | None, sender_name: str | None, author: Any) -> None:
        """Adds a forward whose author is known only by name.

        Args:
            sender: Who forwarded the message.
            sender_name: The name of the sender.
            author: The name of the author, if it is a name.
        """
        if isinstance(author, str) and (sender in self._forwards or len(self._forwards) < _MAX_NAMES):
            own, others = self._forwards.get(sender, (0, 0))
            # The other application may know another last name, or none.
            is_own = author.split()[:1] == (sender_name or "").split()[:1]
            self._forwards[sender] = (own + is_own, others + (not is_own))

    def warnings(self) -> Iterator[str]:
        """Yields one sentence per finding."""
        if self._too_large:
            yield f"messages larger than {MAX_VALUE_SIZE >> 20} MiB are dropped: {self._too_large:,}"
        if self._unknown_messages:
            names = [escape_control_characters(name[:_NAME_LENGTH]) for name, _ in self._unknown_fields.most_common()]
            more = ", ..." if len(names) > _NAMES_SHOWN else ""
            yield (
                f"messages without text that have fields unknown to this version: {self._unknown_messages:,} "
                f"(fields: {', '.join(names[:_NAMES_SHOWN])}{more}); a newer version of autocakechat may read them"
            )
        imported = [counts for counts in self._forwards.values() if min(counts) >= _MIN_IMPORTED]
        if imported:
            number = sum(map(sum, imported))
            yield (
                f"{number:,} forwards look like a history imported from another application: the export has names of "
                "their senders but no ids, so nobody's replies are learnt from them; if there is a plugin for that "
                "application, read its own export"
            )
