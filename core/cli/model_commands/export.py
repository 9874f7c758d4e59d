"""`acc models export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.cli.model_commands.folder import folder_option, store_in
from autocakechat.cli.run import export_model_to
from autocakechat.errors import UserError

if TYPE_CHECKING:
    from autocakechat.cli.app import App


@click.command("export")
@click.argument("key")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@folder_option
@click.pass_obj
def command(app: App, key: str, target: Path, folder: Path) -> None:
    """Copy the model with a KEY to the folder TARGET; a model in that folder is replaced."""
    from autocakechat.artifacts.catalog import find_artifact

    artifact = find_artifact(store_in(folder), key).artifact
    if artifact.kind != "model":
        raise UserError(f"{artifact.key} is a corpus, not a model", "run: acc corpus export")
    export_model_to(app, artifact.path, target)
