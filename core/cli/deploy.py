"""`acc deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autocakechat.cli.app import App


@click.command("deploy")
@click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")
@click.option("--model", type=click.Path(path_type=Path), help="The model's folder; by default the newest model.")
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="The folder for what the deployer keeps, such as conversations; by default one beside PIPELINE.",
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set an option, such as reply.temperature=1."
)
@click.pass_obj
def command(app: App, pipeline: Path, model: Path | None, state: Path | None, overrides: tuple[str, ...]) -> None:
    """Start the deployer of PIPELINE with a model that is trained already. Needs no chat log."""
    app.runner(pipeline, overrides).deploy(model, state)
