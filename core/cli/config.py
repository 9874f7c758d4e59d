"""`acc config`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autocakechat.cli.app import App


@click.group("config")
def command() -> None:
    """Check a pipeline.toml."""


@command.command("check")
@click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")
@click.option("--until", type=click.Choice(["corpus", "model"]), help="Check only what is needed to make this.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set an option, such as trainer.size=tiny."
)
@click.pass_obj
def check(app: App, pipeline: Path, until: str | None, overrides: tuple[str, ...]) -> None:
    """Check every option, and that the files, modules and secrets of PIPELINE are there."""
    app.runner(pipeline, overrides).check(until)  # type: ignore[arg-type]
    click.echo(f"{pipeline}: all is well", err=True)
