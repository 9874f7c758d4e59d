"""Renders the summary of a chat log as an HTML page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from autocakechat.display.markup import bars, chart, document, table, text
from autocakechat.statistics.activity import DurationBin, ResponseTimes
from autocakechat.statistics.log_summary import LogSummary
from autocakechat.text import pluralize

_PARTICIPANTS_SHOWN = 50
_CHATS_SHOWN = 200
_RESPONSE_TIMES_SHOWN = 10


def page(log: LogSummary) -> str:
    """Renders the page.

    Args:
        log: The summary of the log.

    Returns:
        HTML, see `markup.document`.
    """
    activity = log.activity
    names = {participant.id: participant.name for participant in log.people}
    parts = [
        f"<p>{pluralize(log.messages, 'message')} in {pluralize(len(log.chats), 'chat')}, read by source "
        f"{text(log.source)}.</p>",
        "<h2>Participants</h2>",
        _participant_table(log),
        "<h2>Messages per month</h2>",
        chart(list(activity.months.items())),
        "<h2>Messages by hour of the day</h2>",
        chart([(f"{hour}:00", count) for hour, count in enumerate(activity.hours)]),
        "<h2>Gaps between messages</h2><p>The time between a message and the next one in the same chat.</p>",
        _histogram(activity.silences),
        "<h2>Response times</h2><p>The time until a participant replies to another participant.</p>",
        *(_response_times(entry, names.get(entry.id)) for entry in activity.answering[:_RESPONSE_TIMES_SHOWN]),
        "<h2>Messages that cannot be used for training</h2>",
        table(("reason", "messages"), _unusable_messages(log)),
        "<h2>Chats</h2>",
        _chat_table(log),
    ]
    return document("Chat log", parts)


def _participant_table(log: LogSummary) -> str:
    return table(
        ("id", "name", "messages"),
        [
            (participant.id, participant.name or "", participant.messages)
            for participant in log.people[:_PARTICIPANTS_SHOWN]
        ],
        more=len(log.people) - _PARTICIPANTS_SHOWN,
    )


def _chat_table(log: LogSummary) -> str:
    ranked = sorted(log.chats, key=lambda chat: -chat.messages)
    return table(
        ("chat", "kind", "messages", "skipped"),
        [(chat.title or chat.id, chat.kind, chat.messages, chat.skipped or "") for chat in ranked[:_CHATS_SHOWN]],
        more=len(ranked) - _CHATS_SHOWN,
    )


def _unusable_messages(log: LogSummary) -> list[tuple[str, int]]:
    """Returns how many messages cannot be used, by reason: those of skipped chats first."""
    skipped: Counter[str] = Counter()
    for chat in log.chats:
        if chat.skipped:
            skipped[f"chat skipped: {chat.skipped}"] += chat.messages
    return [*skipped.items(), *log.activity.unlearnable.items()]


def _response_times(times: ResponseTimes, name: str | None) -> str:
    return f"<h3>{text(name or times.id)}, {_pluralize_replies(times.answers)}</h3>{_histogram(times.spans)}"


def _pluralize_replies(count: int) -> str:
    return "1 reply" if count == 1 else f"{count:,} replies"


def _histogram(bins: Sequence[DurationBin]) -> str:
    return bars([(bar.label, bar.count) for bar in bins])
