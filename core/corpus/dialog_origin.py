"""Adds the origin of a dialog to its line of the corpus."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autocakechat.interface.corpus import Utterance
from autocakechat.interface.ledger import Ledger
from autocakechat.interface.origin import GROUP, PERSONAL, Origin, pseudonym


def origin_of(chat: str, utterances: Sequence[Utterance], ledger: Ledger) -> Origin:
    """Returns the origin of a dialog.

    Args:
        chat: The id of its chat.
        utterances: Its turns.
        ledger: The ledger of its chat.
    """
    senders = [ledger.sender(turn.messages[-1]) if turn.messages else "" for turn in utterances[::2]]
    people = tuple(map(pseudonym, senders[:1] if len(set(senders)) == 1 else senders))
    return Origin(pseudonym(chat), GROUP if ledger.is_group else PERSONAL, people)


def with_origin(line: bytes, origin: Origin) -> bytes:
    """Adds an origin to the first turn of an encoded dialog.

    Args:
        line: A list of JSON objects.
        origin: The origin.
    """
    return b'[{"origin":%b,%b' % (msgspec.json.encode(origin), line.removeprefix(b"[{"))
