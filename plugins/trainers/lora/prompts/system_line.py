"""The system line of a reply: what the user wrote, past exchanges, the label, and who is talking."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

NEUTRAL = "neutral"


@attrs.frozen
class SystemLine:
    """Makes the system line of each reply, the same in training and in replies.

    Attributes:
        system: The line that the user wrote; may be empty.
        names_kind: Whether it says if the chat is a group.
        people: The pseudonyms of the people that it tells apart. It names the first `person 1`.
    """

    system: str = ""
    names_kind: bool = False
    people: Sequence[str] = ()

    def text(self, label: str, chat_kind: str = "", person: str = "", examples: str = "") -> str:
        """Returns the system line of a reply; it may be empty.

        Args:
            label: The label of the reply. The neutral label adds nothing.
            chat_kind: The kind of the chat; empty if it is unknown.
            person: The pseudonym of the person that the reply is to. An unknown person adds nothing.
            examples: Lines with past exchanges; may be empty.
        """
        parts = [self.system, examples]
        if label != NEUTRAL:
            parts.append(f"label: {label}")
        if self.names_kind and chat_kind:
            parts.append(f"chat: {chat_kind}")
        if person in self.people:
            parts.append(f"to: person {self.people.index(person) + 1}")
        return "\n".join(filter(None, parts))
