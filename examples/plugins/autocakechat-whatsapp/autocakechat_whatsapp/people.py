"""Decides whether the words before a colon are a person's name or the beginning of a system message.

System messages have no sender, but some contain a colon: `Ann named the group "Tip: me"`.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_RARE = 3  # messages; a group is renamed less often than that
_SENTENCE_WORDS = 3
_LONG_SENTENCE = 40  # characters; WhatsApp allows 25 for a name
_NUMBER_AND_WORDS = re.compile(r"\+[\d\s\-‐‑–().]{6,24}\s[^\W\d]")
_YOU = (
    "you", "du", "sie", "tú", "usted", "você", "vous", "tu", "hai", "je", "jij", "u", "вы", "ви", "siz", "anda", "ty",
)  # fmt: skip


class People:
    """The people of an export.

    Args:
        message_counts: Number of messages by name, system messages included.
    """

    def __init__(self, message_counts: Counter[str]) -> None:
        self._message_counts = message_counts
        self.is_person = lru_cache(maxsize=10_000)(self._is_person)

    @property
    def names(self) -> list[str]:
        """The names of all people."""
        return [name for name in self._message_counts if self.is_person(name)]

    def is_frequent(self, name: str) -> bool:
        """Returns whether more than one message begins with a name."""
        return self._message_counts[name] > 1

    def _is_person(self, name: str) -> bool:
        """Returns whether a name belongs to a person."""
        if _NUMBER_AND_WORDS.match(name):
            return False
        count = self._message_counts[name]
        if count > _RARE:
            return True
        if count <= 1 and _has_open_quotation(name):
            return False
        words = name.split(" ")
        if count <= 1 and len(name) > _LONG_SENTENCE and len(words) > _SENTENCE_WORDS:
            return False
        return not self._is_subject_and_sentence(words, count)

    def _is_subject_and_sentence(self, words: list[str], count: int) -> bool:
        """Returns whether words begin with the name of a more frequent person, or with "you", and go on in lower case.

        Two people can be named `Ann` and `Ann Lee`, so at least three words follow.
        """
        for length in range(1, len(words) - _SENTENCE_WORDS + 1):
            subject, verb = " ".join(words[:length]), words[length]
            is_known = self._message_counts[subject] > count or subject.casefold() in _YOU
            if is_known and not verb[:1].isupper() and verb[:1].isalpha():
                return True
        return False


def _has_open_quotation(name: str) -> bool:
    """Returns whether a quotation begins in a name and does not end in it, or ends and does not begin."""
    return bool(len(re.findall('["“”„«»「」『』]', name)) % 2) or name.count("‘") > name.count("’")
