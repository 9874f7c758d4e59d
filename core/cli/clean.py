"""`acc clean`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.cli.confirmation import confirm
from autocakechat.errors import AccError

if TYPE_CHECKING:
    from autocakechat.artifacts.store import ArtifactStore
    from autocakechat.cli.app import App

_QUESTION = (
    "Remove {folder} ({size}) with the corpora and models of all pipelines in this folder? "
    "The bots also forget their conversations."
)


@click.command("clean")
@click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")
@click.option("--dry-run", is_flag=True, help="Only list what would be removed, with sizes.")
@click.option("--all", "everything", is_flag=True, help="Remove all corpora and models, and the conversations of bots.")
@click.option("--yes", is_flag=True, help="Do not ask before removing everything.")
@click.pass_obj
def command(app: App, pipeline: Path, dry_run: bool, everything: bool, yes: bool) -> None:
    """Remove unfinished work, and all corpora and models that no pipeline in the folder of PIPELINE can use."""
    from rich.filesize import decimal

    from autocakechat.artifacts.store import ArtifactStore
    from autocakechat.artifacts.summary import folder_size
    from autocakechat.config.toml_reader import missing_pipeline

    if not pipeline.is_file():
        raise missing_pipeline(pipeline)
    store = ArtifactStore.beside(pipeline)
    if not store.folder.is_dir():
        app.log.info("%s: nothing to remove", store.folder)
        return
    with store.locked():
        folders = [store.folder] if everything else _unused(app, store)
        sizes = [decimal(folder_size(folder)) for folder in folders]
        if everything and not dry_run and not yes:
            confirm(_QUESTION.format(folder=store.folder, size=sizes[0]), "--yes")
        for folder, size in zip(folders, sizes, strict=True):
            if not dry_run:
                store.remove(folder)
            app.log.info("%s %s (%s)", "would remove" if dry_run else "removed", folder, size)
    if not folders:
        app.log.info("%s: nothing to remove", store.folder)


def _unused(app: App, store: ArtifactStore) -> list[Path]:
    """Returns the folders that no pipeline beside the store can use."""
    from autocakechat.pipeline.cleanup import unused_folders
    from autocakechat.pipeline.run_services import RunServices

    readable, unreadable = [], []
    for path in sorted(store.folder.parent.glob("*.toml")):
        try:
            pipeline, manager = app.pipeline(path)
            readable.append(RunServices.of(pipeline, manager, app.log))
        except AccError:
            unreadable.append(path)
    return unused_folders(store, readable, unreadable)
