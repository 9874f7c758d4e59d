"""`acc models list`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.cli.model_commands.folder import folder_option, store_in
from autocakechat.display.tables import print_json, print_table
from autocakechat.text import escape_control_characters

if TYPE_CHECKING:
    from autocakechat.artifacts.catalog import CatalogEntry

_HEADER = ("KIND", "KEY", "PERSON", "REPLIES", "MADE", "SIZE", "TRAINER", "METRIC", "PIPELINES")


@click.command("list")
@folder_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: Path, as_json: bool) -> None:
    """List corpora and models: whose they are, how large, when they were made, and which pipelines use them."""
    from autocakechat.artifacts.catalog import list_artifacts

    entries = list_artifacts(store_in(folder))
    if as_json:
        print_json([entry.to_json() for entry in entries])
    elif entries:
        print_table([_HEADER, *map(_row, entries)])
    else:
        click.echo("no corpus or model yet; run: acc run PIPELINE", err=True)


def _row(entry: CatalogEntry) -> tuple[str, ...]:
    from rich.filesize import decimal

    summary = entry.summary
    return (
        summary.kind,
        summary.short_key,
        escape_control_characters(summary.person or "unknown"),
        "" if summary.replies is None else f"{summary.replies:,}",
        summary.date,
        decimal(entry.bytes),
        summary.trainer or "",
        summary.main_metric,
        ", ".join(map(escape_control_characters, entry.pipelines)),
    )
