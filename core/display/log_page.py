"""The summary of a chat log as an HTML page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from autocakechat.display.markup import document, render
from autocakechat.statistics.activity import DurationBin
from autocakechat.statistics.log_summary import LogSummary
from autocakechat.text import pluralize

_PARTICIPANTS_SHOWN = 50
_CHATS_SHOWN = 200
_RESPONSE_TIMES_SHOWN = 10


def page(log: LogSummary) -> str:
    """Makes the page.

    Args:
        log: The summary of the log.

    Returns:
        HTML, see `markup.document`.
    """
    participants = log.people[:_PARTICIPANTS_SHOWN]
    chats = sorted(log.chats, key=lambda chat: -chat.messages)[:_CHATS_SHOWN]
    body = render(
        "chat_log.html",
        log=log,
        pluralize=pluralize,
        histogram=_histogram,
        names=defaultdict(str, {participant.id: participant.name for participant in log.people}),
        participants=[(participant.id, participant.name or "", participant.messages) for participant in participants],
        more_participants=len(log.people) - _PARTICIPANTS_SHOWN,
        hours=[(f"{hour}:00", count) for hour, count in enumerate(log.activity.hours)],
        response_times=log.activity.answering[:_RESPONSE_TIMES_SHOWN],
        unusable=_unusable_messages(log),
        chats=[(chat.title or chat.id, chat.kind, chat.messages, chat.skipped or "") for chat in chats],
        more_chats=len(log.chats) - _CHATS_SHOWN,
    )
    return document("Chat log", [body])


def _unusable_messages(log: LogSummary) -> list[tuple[str, int]]:
    """Returns how many messages cannot be used, by reason: those of skipped chats first."""
    skipped: Counter[str] = Counter()
    for chat in log.chats:
        if chat.skipped:
            skipped[f"chat skipped: {chat.skipped}"] += chat.messages
    return [*skipped.items(), *log.activity.unlearnable.items()]


def _histogram(bins: Sequence[DurationBin]) -> list[tuple[str, int]]:
    return [(duration.label, duration.count) for duration in bins]
