"""Where a dialog is from, without names: the chat, its kind, and who talks to the server."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec

PERSONAL = "personal"
"""The kind of a chat of two people."""

GROUP = "group"
"""The kind of a chat of several people."""

_PSEUDONYM_BYTES = 6


class Origin(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a dialog is from. Corpora of earlier versions do not record it: all attributes are empty then.

    Attributes:
        chat: The pseudonym of its chat.
        kind: `personal` or `group`.
        people: The pseudonym of the client of each client's turn; only one if all turns are of the same client.
    """

    chat: str = ""
    kind: str = ""
    people: tuple[str, ...] = ()

    def person(self, pair: int) -> str:
        """Returns the pseudonym of the client that a reply is to; empty if it is unknown.

        Args:
            pair: The number of the reply in its dialog.
        """
        if len(self.people) == 1:
            return self.people[0]
        return self.people[pair] if pair < len(self.people) else ""


@lru_cache(maxsize=1024)
def pseudonym(id: str) -> str:
    """Returns the pseudonym of a chat or a person, the same in every corpus: 12 digits of a hash.

    A pseudonym hides the id, but anyone who knows the id can compute the pseudonym.

    Args:
        id: The id that the source gives, such as `user123456789`. An empty one has an empty pseudonym.
    """
    return hashlib.blake2b(id.encode("utf-8", "replace"), digest_size=_PSEUDONYM_BYTES).hexdigest() if id else ""
