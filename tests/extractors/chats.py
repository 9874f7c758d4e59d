"""Builds chats and extracts their dialogs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs

from autocakechat import Chat, Dialog, Message, RunContext
from autocakechat.plugins.extractors.turns import TurnsOptions, acc_extractors
from autocakechat.plugins.sources.telegram.options import TelegramOptions
from tests.sources.exports import TELEGRAM

TURNS = next(iter(acc_extractors()))
MINUTE = 60


def make_message(id: int, sender: str, text: str = "", *, at: float | None = None, **more: Any) -> Message:
    """A message sent `at` minutes after the beginning (default: `id`)."""
    return Message(id, sender, sender.title(), text, 1_700_000_000 + int((id if at is None else at) * MINUTE), **more)


def make_messages(*lines: str, start: int = 1) -> list[Message]:
    """Messages from lines "sender: text", one per minute."""
    return [make_message(start + number, *line.split(": ", 1)) for number, line in enumerate(lines)]


@attrs.frozen
class Extracted:
    """The dialogs and the message counts of one or more chats."""

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
    """Extracts the dialogs of one chat and marks their messages as kept."""
    return _extract([Chat("chat1", "A chat", kind, messages)], run, server, options)


def extract_export(path: Path, run: RunContext, server: Any = "user1", **options: Any) -> Extracted:
    """Extracts the dialogs of an export."""
    telegram_options = TelegramOptions(path=path)
    inputs = TELEGRAM.inputs(telegram_options)
    chats = (chat for log_input in inputs for chat in TELEGRAM.read(telegram_options, log_input, run))
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
