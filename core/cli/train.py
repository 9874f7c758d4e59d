"""`acc train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.cli.overrides import any_option, cluster_option, set_option, with_cluster
from autocakechat.cli.run import add_resume_hint, export_model_to

if TYPE_CHECKING:
    from autocakechat.cli.app import App


@click.command("train")
@click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")
@click.option("--force", is_flag=True, help="Train even if the model could be reused.")
@any_option("corpus")
@set_option(example="trainer.size=tiny")
@cluster_option
@click.option("--export-model", type=click.Path(path_type=Path, file_okay=False), help="Copy the model to this folder.")
@click.pass_obj
def command(
    app: App,
    pipeline: Path,
    force: bool,
    accept_any: bool,
    overrides: tuple[str, ...],
    cluster: str | None,
    export_model: Path | None,
) -> None:
    """Train a model on the corpus that PIPELINE made. Needs no chat log: the corpus is not rebuilt."""
    from autocakechat.artifacts.summary import ArtifactSummary

    runner = app.runner(pipeline, with_cluster(overrides, cluster))
    corpus = runner.artifact("corpus", accept_any)
    app.log.info("corpus: %s", ArtifactSummary.of(corpus))
    with add_resume_hint(app):
        built = runner.train(corpus, force)
        if export_model:
            export_model_to(app, built.artifact.path, export_model)
