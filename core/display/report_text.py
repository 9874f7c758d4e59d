"""Shows a report to a person: lines for the end of a run. Whatever comes from chats is made visible."""

from __future__ import annotations

from collections.abc import Sequence

from autocakechat.corpus.report import ChatReport, Report
from autocakechat.statistics.dialog_statistics import Bin
from autocakechat.text import escape_control_characters, pluralize

_CHATS_SHOWN = 12


def render(report: Report, samples: int = 0) -> str:
    """Makes a report readable.

    Args:
        report: The report.
        samples: How many sample pairs to show.

    Returns:
        Lines of text, without the last line's end. Whatever comes from chats is made visible.
    """
    lines = [
        f"read {pluralize(report.messages.read, 'message')} in {pluralize(len(report.chats), 'chat')}",
        f"kept {_share(report.messages.kept, report.messages.read)} in {pluralize(report.dialogs, 'dialog')} with "
        f"{pluralize(report.pairs, 'pair')}; {report.words.questions:,} words asked, {report.words.answers:,} answered",
    ]
    lines += [
        f"dropped {_share(number, report.messages.read)}: {escape_control_characters(reason)}"
        for reason, number in sorted(report.messages.dropped.items(), key=lambda entry: (-entry[1], entry[0]))
    ]
    if report.masked:
        lines.append("masked " + ", ".join(f"{number:,} {kind}" for kind, number in report.masked.items()))
    lines += [f"{escape_control_characters(what)}: {number:,}" for what, number in report.notes.items()]
    lines.append(_split_line(report))
    lines.append(f"words of an answer: {_distribution([(_range(each), each.count) for each in report.answer_words])}")
    lines.append(f"pairs of a dialog: {_distribution([(_range(each), each.count) for each in report.dialog_pairs])}")
    lines.append(f"silences: {_distribution([(span.label, span.count) for span in report.silences])}")
    if len(report.chats) > 1:
        lines += _table(report.chats)
    for sample in report.samples[:samples]:
        lines += [
            f"  > {escape_control_characters(sample.question)}",
            f"  < {escape_control_characters(sample.answer)}",
        ]
    return "\n".join([*lines, report.expect])


def _split_line(report: Report) -> str:
    train, validation = (pluralize(part.dialogs, "dialog") for part in (report.train, report.validation))
    return f"train {train}, validation {validation}" + (f" from {report.split[:10]} on" if report.split else "")


def _table(chats: Sequence[ChatReport]) -> list[str]:
    ranked = sorted(chats, key=lambda chat: (-chat.pairs, -chat.messages.read))
    rows = [("messages", "kept", "pairs", "chat")]
    rows += [
        (
            f"{chat.messages.read:,}",
            f"{chat.messages.kept:,}",
            f"{chat.pairs:,}",
            escape_control_characters(chat.title or chat.id)
            + (f" ({escape_control_characters(chat.skipped)})" if chat.skipped else ""),
        )
        for chat in ranked[:_CHATS_SHOWN]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    if len(ranked) > _CHATS_SHOWN:
        lines.append(f"and {pluralize(len(ranked) - _CHATS_SHOWN, 'chat')} more")
    return lines


def _distribution(parts: Sequence[tuple[str, int]]) -> str:
    total = sum(number for _, number in parts) or 1
    return ", ".join(f"{name} ({_percent(number, total)})" for name, number in parts if number)


def _range(each: Bin) -> str:
    return str(each.low) if each.low == each.high else f"{each.low}-{each.high}"


def _share(number: int, whole: int) -> str:
    return f"{number:,} ({_percent(number, whole)})"


def _percent(number: int, whole: int) -> str:
    percent = 100 * number / max(whole, 1)
    return f"{percent:.0f} %" if percent >= 1 or not number else "under 1 %"
