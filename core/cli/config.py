"""`acc config`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.cli.lazy import CommandGroup
from autocakechat.cli.overrides import set_option

if TYPE_CHECKING:
    from autocakechat.artifacts.store import ArtifactKind
    from autocakechat.cli.app import App


@click.group("config", cls=CommandGroup)
def command() -> None:
    """Check a pipeline.toml, or print its JSON Schema for editors."""


@command.command("check")
@click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")
@click.option("--until", type=click.Choice(["corpus", "model"]), help="Check only what building this artifact needs.")
@set_option(example="trainer.size=tiny")
@click.pass_obj
def check(app: App, pipeline: Path, until: ArtifactKind | None, overrides: tuple[str, ...]) -> None:
    """Check all options of PIPELINE, and that its files, Python modules and secrets exist."""
    app.runner(pipeline, overrides).check(until)
    click.echo(f"{pipeline}: no problems found", err=True)


@command.command("schema")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the schema to this file.")
@click.pass_obj
def schema(app: App, output: Path | None) -> None:
    """Print a JSON Schema of pipeline.toml, with the stages of all installed plugins."""
    import msgspec

    from autocakechat.config.json_schema import pipeline_schema
    from autocakechat.errors import UserError

    text = msgspec.json.format(msgspec.json.encode(pipeline_schema(app.manager())), indent=1).decode()
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise UserError(f"{output}: {error.strerror}", "give another file") from None
    shown = output if output.is_absolute() else f"./{output}"  # editors take a name alone for an address
    click.echo(f"{output}: written; for editors, begin pipeline.toml with the line #:schema {shown}", err=True)
