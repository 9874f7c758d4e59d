"""A chat log as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autocakechat.display.markup import bars, chart, document, table, text
from autocakechat.statistics.activity import DurationBin, ResponseTimes
from autocakechat.statistics.participants import LogSummary
from autocakechat.text import pluralize

_PEOPLE = 50
_CHATS = 200
_ANSWERING = 10


def page(log: LogSummary) -> str:
    """Makes the page.

    Args:
        log: What was counted.

    Returns:
        HTML, see `markup.document`.
    """
    activity = log.activity
    parts = [
        f"<p>{pluralize(log.messages, 'message')} in {pluralize(len(log.chats), 'chat')}, read by source "
        f"{text(log.source)}.</p>",
        "<h2>People</h2>",
        table(
            ("id", "name", "messages"),
            [(person.id, person.name or "", person.messages) for person in log.people[:_PEOPLE]],
            more=len(log.people) - _PEOPLE,
        ),
        "<h2>Messages over time</h2>",
        chart(list(activity.months.items())),
        "<h2>Hours of the day</h2>",
        chart([(f"{hour}:00", number) for hour, number in enumerate(activity.hours)]),
        "<h2>Silences</h2><p>The time between a message and the next one in the same chat.</p>",
        _spans(activity.silences),
        "<h2>Answer times</h2><p>The time until somebody answers somebody else.</p>",
        *(_answering(log, each) for each in activity.answering[:_ANSWERING]),
        "<h2>What cannot be learnt from</h2>",
        table(("why", "messages"), list(_reasons(log))),
        "<h2>Chats</h2>",
        table(
            ("chat", "kind", "messages", "skipped"),
            [
                (chat.title or chat.id, chat.kind, chat.messages, chat.skipped or "")
                for chat in sorted(log.chats, key=lambda chat: -chat.messages)[:_CHATS]
            ],
            more=len(log.chats) - _CHATS,
        ),
    ]
    return document("Chat log", parts)


def _reasons(log: LogSummary) -> Iterable[tuple[str, int]]:
    skipped: dict[str, int] = {}
    for chat in log.chats:
        if chat.skipped:
            skipped[f"chat skipped: {chat.skipped}"] = skipped.get(f"chat skipped: {chat.skipped}", 0) + chat.messages
    yield from skipped.items()
    yield from log.activity.unlearnable.items()


def _answering(log: LogSummary, answering: ResponseTimes) -> str:
    names = {person.id: person.name for person in log.people}
    name = names.get(answering.id) or answering.id
    return f"<h3>{text(name)}, {pluralize(answering.answers, 'answer')}</h3>{_spans(answering.spans)}"


def _spans(spans: Sequence[DurationBin]) -> str:
    return bars([(span.label, span.count) for span in spans])
