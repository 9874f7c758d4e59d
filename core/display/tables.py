"""Prints tables and JSON on standard output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from autocakechat.text import escape_control_characters


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Prints rows with aligned columns.

    Args:
        rows: The rows, the header first, all of the same length.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def topic_line(topics: Mapping[str, int], limit: int | None = 5) -> str:
    """Lists the topics of a chat: `topics: General 12, Cats 7 and 3 more`.

    Args:
        topics: Number of messages by topic, most first.
        limit: How many topics to list; None for all.
    """
    listed = [f"{escape_control_characters(topic)} {count:,}" for topic, count in list(topics.items())[:limit]]
    more = f" and {len(topics) - len(listed):,} more" if len(listed) < len(topics) else ""
    return f"topics: {', '.join(listed)}{more}"


def print_json(content: Any) -> None:
    """Prints JSON on standard output."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=1).decode("utf-8", "replace"))
