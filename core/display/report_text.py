"""Renders the report of a corpus as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from autocakechat.corpus.report import ChatReport, Report
from autocakechat.display.tables import topic_line
from autocakechat.statistics.dialog_statistics import Bin, SamplePair
from autocakechat.text import escape_control_characters, pluralize

_CHATS_SHOWN = 12
_REPLY_SENDERS_SHOWN = 3


def render(report: Report, samples: int = 0) -> str:
    """Renders a report.

    Args:
        report: The report.
        samples: How many sample pairs to show.

    Returns:
        Lines of text, without a final line end. Control characters in text from chats are escaped.
    """
    lines = [*_count_lines(report), *_histogram_lines(report)]
    if len(report.chats) > 1:
        lines += _chat_table(report.chats)
    else:
        lines += [topic_line(chat.topics) for chat in report.chats if chat.topics]
    for sample in report.samples[:samples]:
        lines += _sample_lines(sample)
    return "\n".join([*lines, report.expect])


def _count_lines(report: Report) -> list[str]:
    messages = report.messages
    lines = [
        f"read {pluralize(messages.read, 'message')} in {pluralize(len(report.chats), 'chat')}",
        f"kept {_share(messages.kept, messages.read)} in {pluralize(report.dialogs, 'dialog')} with "
        f"{pluralize(report.pairs, 'pair')}; {pluralize(report.words.questions, 'word')} from clients, "
        f"{pluralize(report.words.answers, 'word')} in replies",
    ]
    lines += [
        f"dropped {_share(count, messages.read)}: {escape_control_characters(reason)}"
        for reason, count in sorted(messages.dropped.items(), key=lambda entry: (-entry[1], entry[0]))
    ]
    if report.masked:
        lines.append("masked " + ", ".join(f"{count:,} {kind}" for kind, count in report.masked.items()))
    lines += [f"{escape_control_characters(note)}: {count:,}" for note, count in report.notes.items()]
    return [*lines, *_reply_sender_lines(report), _split_line(report)]


def _reply_sender_lines(report: Report) -> list[str]:
    """Says who wrote the replies. More than one person is usual only for someone with several accounts."""
    senders = report.replies_by
    if not senders:
        return []
    total = sum(sender.messages for sender in senders)
    shares = [
        f"{escape_control_characters(sender.name or sender.id)} {_percent(sender.messages, total)}"
        for sender in senders[:_REPLY_SENDERS_SHOWN]
    ]
    hidden = len(senders) - len(shares)
    return ["replies by: " + ", ".join(shares) + (f" and {hidden:,} more" if hidden else "")]


def _split_line(report: Report) -> str:
    train = pluralize(report.train.dialogs, "dialog")
    validation = pluralize(report.validation.dialogs, "dialog")
    since = f" from {report.split[:10]} on" if report.split else ""
    return f"train {train}, validation {validation}{since}"


def _histogram_lines(report: Report) -> list[str]:
    gaps = [(bar.label, bar.count) for bar in report.silences]
    return [
        f"words per reply: {_shares(_label_bins(report.answer_words))}",
        f"pairs per dialog: {_shares(_label_bins(report.dialog_pairs))}",
        f"gaps between messages: {_shares(gaps)}",
    ]


def _label_bins(bins: Sequence[Bin]) -> list[tuple[str, int]]:
    return [(str(bar.low) if bar.low == bar.high else f"{bar.low}-{bar.high}", bar.count) for bar in bins]


def _shares(counts: Sequence[tuple[str, int]]) -> str:
    total = sum(count for _, count in counts)
    return ", ".join(f"{label} ({_percent(count, total)})" for label, count in counts if count)


def _chat_table(chats: Sequence[ChatReport]) -> list[str]:
    ranked = sorted(chats, key=lambda chat: (-chat.pairs, -chat.messages.read))
    rows = [("messages", "kept", "pairs", "chat"), *map(_chat_row, ranked[:_CHATS_SHOWN])]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["chats, those with most pairs first:"]
    for chat, (*numbers, title) in zip([None, *ranked], rows, strict=False):
        cells = [number.rjust(width) for number, width in zip(numbers, widths, strict=True)]
        lines.append("  ".join([*cells, title]))
        if chat and chat.topics:
            lines.append(f"{' ' * (sum(widths) + 8)}{topic_line(chat.topics)}")
    if len(ranked) > _CHATS_SHOWN:
        lines.append(f"and {pluralize(len(ranked) - _CHATS_SHOWN, 'chat')} more")
    return lines


def _chat_row(chat: ChatReport) -> tuple[str, str, str, str]:
    title = escape_control_characters(chat.title or chat.id)
    if chat.skipped:
        title += f" ({escape_control_characters(chat.skipped)})"
    return f"{chat.messages.read:,}", f"{chat.messages.kept:,}", f"{chat.pairs:,}", title


def _sample_lines(sample: SamplePair) -> list[str]:
    return [
        f"  > {escape_control_characters(sample.question)}",
        f"  < {escape_control_characters(sample.answer)}",
    ]


def _share(count: int, total: int) -> str:
    return f"{count:,} ({_percent(count, total)})"


def _percent(count: int, total: int) -> str:
    percent = 100 * count / max(total, 1)
    return f"{percent:.0f} %" if percent >= 1 or not count else "under 1 %"
