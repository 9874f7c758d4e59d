"""A chat log as a page: one file that loads nothing from anywhere, with everything from the chats escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from autocakechat.activity import Answering, Span
from autocakechat.census import LogCensus, count
from autocakechat.text import visible

_PEOPLE = 50
_CHATS = 200
_ANSWERING = 10
_CHART_WIDTH = 720
_CHART_HEIGHT = 160
_BAR_ROOM = 24

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 760px; margin: 2em auto; padding: 0 1em; color: #222; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25em .75em .25em 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; }
svg { width: 100%; height: auto; } rect { fill: #3a7ca5; } text { font-size: 12px; fill: #555; }
@media (prefers-color-scheme: dark) {
  body { background: #1b1b1b; color: #ddd; } th, td { border-color: #444; } rect { fill: #6fb1d9; } text { fill: #aaa; }
}
"""


def page(log: LogCensus) -> str:
    """Makes the page.

    Args:
        log: What was counted.

    Returns:
        HTML that a browser may show from a file. Its content security policy forbids everything but its own style.
    """
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    activity = log.activity
    parts = [
        f"<p>{count(log.messages, 'message')} in {count(len(log.chats), 'chat')}, read by source "
        f"{_text(log.source)}.</p>",
        "<h2>People</h2>",
        _table(
            ("id", "name", "messages"),
            [(person.id, person.name or "", person.messages) for person in log.people[:_PEOPLE]],
            more=len(log.people) - _PEOPLE,
        ),
        "<h2>Messages over time</h2>",
        _chart(list(activity.months.items())),
        "<h2>Hours of the day</h2>",
        _chart([(f"{hour}:00", number) for hour, number in enumerate(activity.hours)]),
        "<h2>Silences</h2><p>The time between a message and the next one in the same chat.</p>",
        _bars(activity.silences),
        "<h2>Answer times</h2><p>The time until somebody answers somebody else.</p>",
        *(_answering(log, each) for each in activity.answering[:_ANSWERING]),
        "<h2>What cannot be learnt from</h2>",
        _table(("why", "messages"), list(_reasons(log))),
        "<h2>Chats</h2>",
        _table(
            ("chat", "kind", "messages", "skipped"),
            [
                (chat.title or chat.id, chat.kind, chat.messages, chat.skipped or "")
                for chat in sorted(log.chats, key=lambda chat: -chat.messages)[:_CHATS]
            ],
            more=len(log.chats) - _CHATS,
        ),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Chat log</title><style>{_STYLE}</style></head>\n<body><h1>Chat log</h1>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _reasons(log: LogCensus) -> Iterable[tuple[str, int]]:
    skipped: dict[str, int] = {}
    for chat in log.chats:
        if chat.skipped:
            skipped[f"chat skipped: {chat.skipped}"] = skipped.get(f"chat skipped: {chat.skipped}", 0) + chat.messages
    yield from skipped.items()
    yield from log.activity.unlearnable.items()


def _answering(log: LogCensus, answering: Answering) -> str:
    names = {person.id: person.name for person in log.people}
    name = names.get(answering.id) or answering.id
    return f"<h3>{_text(name)}, {count(answering.answers, 'answer')}</h3>{_bars(answering.spans)}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str | int]], more: int = 0) -> str:
    if not rows:
        return "<p>none</p>"
    head = "".join(f"<th{_class(cell)}>{escape(title)}</th>" for title, cell in zip(header, rows[0], strict=True))
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    rest = f"<p>and {more:,} more</p>" if more > 0 else ""
    return f"<table><tr>{head}</tr>{body}</table>{rest}"


def _cell(content: str | int) -> str:
    shown = f"{content:,}" if isinstance(content, int) else _text(content)
    return f"<td{_class(content)}>{shown}</td>"


def _class(content: str | int) -> str:
    return ' class="number"' if isinstance(content, int) else ""


def _chart(values: Sequence[tuple[str, int]]) -> str:
    """Upright bars, with the first and the last name below."""
    if not values:
        return "<p>none</p>"
    most = max(number for _, number in values) or 1
    width = _CHART_WIDTH / len(values)
    bars = []
    for place, (name, number) in enumerate(values):
        height = _CHART_HEIGHT * number / most
        bars.append(
            f'<rect x="{place * width:.2f}" y="{_CHART_HEIGHT - height:.1f}" width="{max(width - 1, 0.5):.2f}" '
            f'height="{height:.1f}"><title>{_text(name)}: {number:,}</title></rect>'
        )
    names = (
        f'<text x="0" y="{_CHART_HEIGHT + 16}">{_text(values[0][0])}</text>'
        f'<text x="{_CHART_WIDTH}" y="{_CHART_HEIGHT + 16}" text-anchor="end">{_text(values[-1][0])}</text>'
    )
    return f'<svg viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT + _BAR_ROOM}" role="img">{"".join(bars)}{names}</svg>'


def _bars(spans: Sequence[Span]) -> str:
    """Lying bars, each with its name before and its number behind."""
    total = sum(span.count for span in spans) or 1
    most = max((span.count for span in spans), default=0) or 1
    rows = []
    for place, span in enumerate(spans):
        top = place * _BAR_ROOM
        length = 400 * span.count / most
        rows.append(
            f'<text x="0" y="{top + 16}">{_text(span.label)}</text>'
            f'<rect x="170" y="{top + 4}" width="{length:.1f}" height="{_BAR_ROOM - 8}"></rect>'
            f'<text x="{178 + length:.1f}" y="{top + 16}">{span.count:,} ({100 * span.count / total:.0f} %)</text>'
        )
    return f'<svg viewBox="0 0 {_CHART_WIDTH} {len(spans) * _BAR_ROOM}" role="img">{"".join(rows)}</svg>'


def _text(text: str) -> str:
    return escape(visible(text).encode("utf-8", "replace").decode())
