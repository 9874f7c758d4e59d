"""Makes messages, many at once: most have a known sender and a text in which WhatsApp inserted nothing."""

from __future__ import annotations

from typing import NamedTuple

from autocakechat import MessageBatch
from autocakechat_whatsapp.header import clean_name, sender_id, split_name
from autocakechat_whatsapp.people import People
from autocakechat_whatsapp.sentences import SYSTEM_MESSAGE
from autocakechat_whatsapp.splitting import RawMessages
from autocakechat_whatsapp.system_text import MARK, find_inserted, strip_android_text, strip_ios_text

_MAX_SENDERS = 10_000


class _Content(NamedTuple):
    """What the text of a message says about it: the values of four columns."""

    sender: str
    name: str | None
    text: str
    kind: str


_SYSTEM_MESSAGE = _Content("", None, "", SYSTEM_MESSAGE)


class BatchMaker:
    """Makes the messages of an export.

    Args:
        people: The people of the export.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._senders = _Senders(people)
        self._number = 0

    def make_batch(self, messages: RawMessages, times: list[int]) -> MessageBatch:
        """Makes the next messages.

        Args:
            messages: The messages.
            times: The time of each.
        """
        size = len(times)
        if len(self._senders) > _MAX_SENDERS:
            self._senders.clear()
        senders = list(map(self._senders.__getitem__, messages.names))
        names = list(map(self._senders.names.__getitem__, messages.names))
        texts, kinds = list(messages.texts), ["text"] * size
        unusual = find_inserted(texts)
        if "" in senders:
            unusual.update(index for index, sender in enumerate(senders) if not sender)
        for index in unusual:
            content = self._content(messages.are_ios[index], f"{messages.names[index] or ''}{texts[index]}")
            senders[index], names[index], texts[index], kinds[index] = content
        first, self._number = self._number, self._number + size
        numbers = list(range(first, self._number))
        return MessageBatch(numbers, senders, names, texts, times, [None] * size, kinds, [True] * size, [None] * size)

    def _content(self, is_ios: bool, body: str) -> _Content:
        """Returns the content of any message.

        Args:
            is_ios: Whether it has the form of iOS.
            body: Everything after the header.
        """
        name_and_text = split_name(body.rstrip("\n"))
        name = _person(name_and_text[0], self._people) if name_and_text else None
        if name_and_text is None or name is None:
            return _SYSTEM_MESSAGE
        kind, text = (strip_ios_text if is_ios else strip_android_text)(name_and_text[1])
        return _Content(sender_id(name), name, text, kind)


class _Senders(dict[str | None, str]):
    """The ids of senders, by their names with a colon and a blank; empty if it is not a person's.

    Args:
        people: The people of the export.

    Attributes:
        names: The names without.
    """

    def __init__(self, people: People) -> None:
        self.names: dict[str | None, str | None] = {}
        self._people = people

    def __missing__(self, written: str | None) -> str:
        name = _person(written[:-2], self._people) if written else None
        self.names[written] = name
        self[written] = "" if name is None else sender_id(name)
        return self[written]


def _person(written: str, people: People) -> str | None:
    """Returns the name of a person; None if the words before a colon are a part of a system message."""
    name = clean_name(written)
    is_system_message = written.startswith(MARK) and not people.is_frequent(name)
    return name if not is_system_message and people.is_person(name) else None
