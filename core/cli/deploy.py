"""`acc deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.cli.overrides import any_option, set_option

if TYPE_CHECKING:
    from autocakechat.cli.app import App


@click.command("deploy")
@click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")
@click.option(
    "--model", type=click.Path(path_type=Path), help="The model folder; by default the model that PIPELINE made."
)
@any_option("model")
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="The folder where the deployer stores data such as conversations; by default in .acc beside PIPELINE.",
)
@set_option(example="reply.temperature=1")
@click.pass_obj
def command(
    app: App, pipeline: Path, model: Path | None, accept_any: bool, state: Path | None, overrides: tuple[str, ...]
) -> None:
    """Start the bot of PIPELINE with a trained model. Needs no chat log."""
    app.log_as_service()
    runner = app.runner(pipeline, overrides)
    runner.deploy(model or runner.artifact("model", accept_any).path, state)
