"""Makes chats and extracts dialogs from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs

from autocakechat import Chat, Dialog, Message, RunContext
from autocakechat.plugins.extractors.turns import TurnsOptions, acc_extractors
from autocakechat.plugins.sources.telegram.options import TelegramOptions
from tests.sources.exports import TELEGRAM

TURNS = next(iter(acc_extractors()))
MINUTE = 60


def said(id: int, sender: str, text: str = "", *, at: float | None = None, **more: Any) -> Message:
    """A message sent so many minutes after the beginning, by default one after each other."""
    return Message(id, sender, sender.title(), text, 1_700_000_000 + int((id if at is None else at) * MINUTE), **more)


def talk(*lines: str, start: int = 1) -> list[Message]:
    """Messages written as "sender: text", a minute after each other."""
    return [said(start + number, *line.split(": ", 1)) for number, line in enumerate(lines)]


@attrs.frozen
class Extracted:
    """What became of some chats."""

    dialogs: list[Dialog]
    kept: int
    dropped: dict[str, int]
    notes: dict[str, int]

    @property
    def texts(self) -> list[list[str]]:
        return [[utterance.text for utterance in dialog.utterances] for dialog in self.dialogs]


def extract(
    messages: Iterable[Message], run: RunContext, server: Any = "sue", kind: str = "personal chat", **options: Any
) -> Extracted:
    """Extracts the dialogs of one chat, keeping all of them."""
    return _extract([Chat("chat1", "A chat", kind, messages)], run, server, options)


def extract_export(path: Path, run: RunContext, server: Any = "user1", **options: Any) -> Extracted:
    """Extracts the dialogs of an export."""
    read = TelegramOptions(path=path)
    chats = (chat for part in TELEGRAM.inputs(read) for chat in TELEGRAM.read(read, part, run))
    return _extract(chats, run, server, options)


def _extract(chats: Iterable[Chat], run: RunContext, server: Any, options: dict[str, Any]) -> Extracted:
    dialogs: list[Dialog] = []
    kept = 0
    dropped: dict[str, int] = {}
    notes: Counter[str] = Counter()
    for chat in chats:
        if chat.skip is None:
            for dialog in TURNS.extract(TurnsOptions(server=server, **options), chat, run):
                dialogs.append(dialog)
                for utterance in dialog.utterances:
                    chat.ledger.keep(utterance.messages)
        for message in chat.rest():
            assert chat.skip, "the extractor left messages unread"
            chat.drop(message, chat.skip)
        tally = chat.ledger.tally()
        assert tally.unsettled == 0
        assert tally.read == tally.kept + sum(tally.dropped.values())
        kept += tally.kept
        notes.update(chat.ledger.notes)
        for reason, count in tally.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    return Extracted(dialogs, kept, dropped, notes)


def pairs(texts: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Every answer with the line before it."""
    return [(dialog[place - 1], dialog[place]) for dialog in texts for place in range(1, len(dialog), 2)]
