"""`acc plugins new`."""

from __future__ import annotations

from pathlib import Path

import click

from autocakechat.cli.app import App
from autocakechat.errors import UserError
from autocakechat.registry.scaffold import KINDS, new_plugin


@click.command("new")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What the plugin provides.")
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="The folder to create it in."
)
@click.pass_obj
def command(app: App, name: str, kind: str, into: Path) -> None:
    """Create a new plugin from a template: a working package with tests.

    NAME is the name for `use` in pipeline.toml; the distribution is called autocakechat-NAME.
    """
    existing = app.manager().stages(kind).get(name)
    if existing:
        raise UserError(f"plugin {app.manager().owner(existing)} has {kind} '{name}' already", "give another name")
    folder = new_plugin(name, kind, into)
    click.echo(f"{folder}: created; it works as it is. To try it:", err=True)
    click.echo(f"  acc plugins install --editable {folder if folder.is_absolute() else f'./{folder}'}", err=True)
    click.echo(f"  acc plugins show {folder.name.removeprefix('autocakechat-')}", err=True)
    click.echo(f"  python -m pytest {folder}          # needs: pip install pytest", err=True)
