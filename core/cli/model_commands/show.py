"""`acc models show`."""

from __future__ import annotations

from pathlib import Path

import click

from autocakechat.cli.model_commands.folder import folder_option, store_in
from autocakechat.text import escape_control_characters


@click.command("show")
@click.argument("key")
@folder_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(key: str, folder: Path, as_json: bool) -> None:
    """Show everything about the corpus or the model with a KEY; the first digits are enough."""
    from rich.filesize import decimal

    from autocakechat.artifacts.catalog import find_artifact
    from autocakechat.artifacts.summary import format_metric
    from autocakechat.display.tables import print_json

    entry = find_artifact(store_in(folder), key)
    if as_json:
        print_json(entry.to_json() | {"ingredients": entry.artifact.ingredients})
        return
    summary = entry.summary
    lines = {
        summary.kind: entry.artifact.key,
        "person": summary.person or "unknown",
        "replies": "unknown" if summary.replies is None else f"{summary.replies:,}",
        "made": summary.date,
        "size": decimal(entry.bytes),
        "trainer": summary.trainer or "",
        "pipelines": ", ".join(entry.pipelines),
        "folder": str(entry.artifact.path),
        **{name: format_metric(value) for name, value in summary.metrics.items()},
        **{name: format_metric(value) for name, value in sorted(entry.artifact.ingredients.items())},
    }
    width = max(map(len, lines))
    for name, value in lines.items():
        if value:
            click.echo(f"{escape_control_characters(name):<{width}}  {escape_control_characters(value)}")
