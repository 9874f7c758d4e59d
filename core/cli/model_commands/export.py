"""`acc models export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.cli.confirmation import confirm
from autocakechat.cli.model_commands.folder import folder_option, store_in
from autocakechat.cli.run import export_model_to
from autocakechat.errors import UserError
from autocakechat.text import escape_control_characters

if TYPE_CHECKING:
    from autocakechat.cli.app import App


@click.command("export")
@click.argument("key")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@folder_option
@click.option("--yes", is_flag=True, help="Do not ask before another model in TARGET is replaced.")
@click.pass_obj
def command(app: App, key: str, target: Path, folder: Path, yes: bool) -> None:
    """Copy the model with a KEY to the folder TARGET."""
    from autocakechat.artifacts.catalog import find_artifact
    from autocakechat.artifacts.export import holds_other_model

    artifact = find_artifact(store_in(folder), key).artifact
    if artifact.kind != "model":
        raise UserError(f"{artifact.key} is a corpus, not a model", "run: acc corpus export")
    if not yes and holds_other_model(target, artifact.path):
        confirm(f"Replace the model in {escape_control_characters(str(target))}?", "--yes")
    export_model_to(app, artifact.path, target)
