"""The summary of a chat log as an HTML page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from autocakechat.display.charts import bar, stacked_bar
from autocakechat.display.markup import Cell, document, render_file, table
from autocakechat.statistics.activity import DurationBin, ResponseTimes
from autocakechat.statistics.log_summary import LogSummary
from autocakechat.text import escape_lines, list_items

_PARTICIPANTS_SHOWN = 25
_CHATS_SHOWN = 50
_RESPONSE_TIMES_SHOWN = 10
_NAME_LENGTH = 60

# The ranges of response times in seconds: the upper edge of each, and its name.
_RESPONSE_TIME_RANGES = {
    60: "under a minute",
    1800: "under 30 minutes",
    86_400: "under a day",
    float("inf"): "a day and more",
}


def page(log: LogSummary) -> str:
    """Makes the page.

    Args:
        log: The summary of the log.

    Returns:
        HTML, see `markup.document`.
    """
    names = {participant.id: participant.name for participant in log.people}
    body = render_file(
        "chat_log.html",
        log=log,
        participants=_participant_table(log),
        all_shown=len(log.people) <= _PARTICIPANTS_SHOWN,
        hours=[(f"{hour}:00", count) for hour, count in enumerate(log.activity.hours)],
        gaps=[(gap.label, gap.count) for gap in log.activity.silences],
        response_time_ranges=list(_RESPONSE_TIME_RANGES.values()),
        response_times=[
            _response_time_row(_shortened(names.get(times.id) or times.id), times)
            for times in log.activity.answering[:_RESPONSE_TIMES_SHOWN]
        ],
        more_response_times=len(log.activity.answering) - _RESPONSE_TIMES_SHOWN,
        unusable=_unusable_messages(log),
        chats=_chat_table(log),
    )
    return document("Chat log", [body])


def _participant_table(log: LogSummary) -> Markup:
    """Makes the table of participants. The bars compare them, so a single participant has none."""
    most = max((participant.messages for participant in log.people), default=1)
    rows: list[list[Cell]] = [
        [
            _unbroken(participant.id),
            _shortened(participant.name or ""),
            participant.messages,
            *([bar(participant.messages / most)] if len(log.people) > 1 else []),
        ]
        for participant in log.people[:_PARTICIPANTS_SHOWN]
    ]
    return table(("id", "name", "messages", ""), rows, len(log.people) - _PARTICIPANTS_SHOWN)


def _chat_table(log: LogSummary) -> Markup:
    """Makes the table of chats, with columns for topics and for the reason to skip a chat if any chat has them."""
    any_skipped = any(chat.skipped for chat in log.chats)
    any_topics = any(chat.topics for chat in log.chats)
    rows: list[list[Cell]] = [
        [
            _shortened(chat.title or chat.id),
            chat.kind,
            chat.messages,
            *([_shortened(list_items(chat.topics))] if any_topics else []),
            *([chat.skipped or ""] if any_skipped else []),
        ]
        for chat in sorted(log.chats, key=lambda chat: -chat.messages)[:_CHATS_SHOWN]
    ]
    titles = ("chat", "kind", "messages", *(["topics"] if any_topics else []), *(["skipped"] if any_skipped else []))
    return table(titles, rows, len(log.chats) - _CHATS_SHOWN)


def _unbroken(identity: str) -> Markup:
    return Markup('<span class="id">{}</span>').format(escape_lines(identity))


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH]}…"


def _response_time_row(name: str, times: ResponseTimes) -> Sequence[Cell]:
    counts, low = [], 0.0
    for high, label in _RESPONSE_TIME_RANGES.items():
        counts.append((label, sum(span.count for span in times.spans if low <= span.seconds < high)))
        low = high
    return name, stacked_bar(counts), times.answers, _median_range(times.spans)


def _median_range(spans: Sequence[DurationBin]) -> str:
    """Returns the range of the histogram that contains the median."""
    total, counted = sum(span.count for span in spans), 0
    for span in spans:
        counted += span.count
        if 2 * counted >= total:
            return span.label
    return ""


def _unusable_messages(log: LogSummary) -> list[tuple[str, int]]:
    """Returns how many messages cannot be used, by reason: those of skipped chats first."""
    skipped: Counter[str] = Counter()
    for chat in log.chats:
        if chat.skipped:
            skipped[f"chat skipped: {chat.skipped}"] += chat.messages
    return [*skipped.items(), *log.activity.unlearnable.items()]
