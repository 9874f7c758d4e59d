"""`acc clean`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.errors import UserError

if TYPE_CHECKING:
    from autocakechat.cli.app import App


@click.command("clean")
@click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")
@click.option(
    "--all", "everything", is_flag=True, help="Also remove the newest corpus and model, and the conversations of bots."
)
@click.pass_obj
def command(app: App, pipeline: Path, everything: bool) -> None:
    """Remove unfinished work, and all corpora and models but the newest."""
    from autocakechat.artifacts.store import ArtifactStore

    if not pipeline.is_file():
        raise UserError(f"{pipeline}: no such file", "give the path of a pipeline.toml")
    store = ArtifactStore.beside(pipeline)
    if not store.folder.is_dir():
        app.log.info("%s: nothing to remove", store.folder)
        return
    with store.locked():
        removed = store.clean()
        if everything:
            shutil.rmtree(store.folder)
            removed = [store.folder]
    for path in removed:
        app.log.info("removed %s", path)
    if not removed:
        app.log.info("%s: nothing to remove", store.folder)
