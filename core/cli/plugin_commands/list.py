"""`acc plugins list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autocakechat.display.tables import print_json, print_table
from autocakechat.interface.stage_types import STAGE_TYPES, StageType
from autocakechat.registry.plugin import Plugin, Provided
from autocakechat.registry.requirements import describe_missing

if TYPE_CHECKING:
    from autocakechat.cli.app import App

_KINDS = (*(stage_type.kind for stage_type in STAGE_TYPES), "command")


@click.command("list")
@click.option("--kind", type=click.Choice(_KINDS), help="Only plugins that provide this kind of stage, or commands.")
@click.option("--external", is_flag=True, help="Only plugins that are not bundled with autocakechat.")
@click.option("--failed", is_flag=True, help="Only plugins that failed to load.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--check", is_flag=True, help="Exit with status 1 if any listed plugin failed.")
@click.pass_context
def command(context: click.Context, kind: str | None, external: bool, failed: bool, as_json: bool, check: bool) -> None:
    """List all plugins: where they come from and what they provide."""
    app: App = context.obj
    plugins = [
        plugin
        for plugin in app.manager().plugins
        if (not external or not plugin.bundled)
        and (not failed or plugin.status == "failed")
        and (kind is None or any(stage.kind == kind for stage in plugin.provides))
    ]
    if as_json:
        from autocakechat.config.option_docs import plugin_as_json

        print_json([plugin_as_json(plugin) for plugin in plugins])
    elif plugins:
        _print_table(plugins)
    else:
        click.echo("no plugin matches", err=True)
    if check and any(plugin.status == "failed" for plugin in plugins):
        context.exit(1)


def origin(plugin: Plugin) -> str:
    """Returns where a plugin comes from: `bundled`, or its distribution."""
    return "bundled" if plugin.bundled else f"{plugin.distribution} {plugin.version}"


def notes(plugin: Plugin) -> list[str]:
    """Returns the problems and warnings of a plugin, and the missing modules of its stages, one line each."""
    lines = [*plugin.problems, *(f"for its author: {warning}" for warning in plugin.warnings)]
    for stage in plugin.provides:
        if isinstance(stage, StageType):
            lines += describe_missing(stage)
    return lines


def _print_table(plugins: list[Plugin]) -> None:
    rows = [("PLUGIN", "FROM", "STATUS", "PROVIDES")]
    rows += [
        (plugin.name, origin(plugin), plugin.status, ", ".join(map(_label, plugin.provides))) for plugin in plugins
    ]
    print_table(rows)
    for plugin in plugins:
        for note in notes(plugin):
            click.echo(f"  {plugin.name}: {note}")


def _label(stage: Provided) -> str:
    return f"{stage.kind} {stage.name}"
