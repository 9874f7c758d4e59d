"""`acc models remove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.cli.confirmation import confirm
from autocakechat.cli.model_commands.folder import folder_option, store_in

if TYPE_CHECKING:
    from autocakechat.cli.app import App


@click.command("remove")
@click.argument("key")
@folder_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(app: App, key: str, folder: Path, yes: bool) -> None:
    """Remove the corpus or the model with a KEY; the first digits are enough."""
    from autocakechat.artifacts.catalog import find_artifact

    store = store_in(folder)
    entry = find_artifact(store, key)
    if not yes:
        confirm(f"Remove the {entry.summary.kind} {entry.summary}?", "--yes")
    with store.locked():
        store.remove(entry.artifact.path)
    app.log.info("removed %s", entry.artifact.path)
