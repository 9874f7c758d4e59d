"""Prints tables and JSON on standard output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Prints rows with aligned columns.

    Args:
        rows: The rows, the header first, all of the same length.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_json(content: Any) -> None:
    """Prints JSON on standard output."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=1).decode("utf-8", "replace"))
