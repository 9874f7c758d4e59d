"""`acc plugins show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from autocakechat.cli.plugin_commands.list import notes, origin
from autocakechat.config.option_docs import (
    OptionDoc,
    document_options,
    example_toml,
    option_tables,
    plugin_as_json,
)
from autocakechat.config.toml_writer import toml_value
from autocakechat.display.tables import print_json
from autocakechat.errors import UserError
from autocakechat.interface.stage_types import StageType
from autocakechat.registry.manager import PluginManager
from autocakechat.registry.plugin import Plugin, Provided
from autocakechat.registry.source_location import source_location
from autocakechat.text import suggest

if TYPE_CHECKING:
    from autocakechat.cli.app import App


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    plugins = PluginManager.load().plugins
    summaries = {stage.name: stage.summary for plugin in plugins for stage in plugin.provides}
    summaries |= {plugin.name: f"plugin, {origin(plugin)}" for plugin in plugins}
    return [CompletionItem(name, help=summaries[name]) for name in sorted(summaries) if name.startswith(incomplete)]


@click.command("show")
@click.argument("name", shell_complete=_complete)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(app: App, name: str, as_json: bool) -> None:
    """Show the stages of a plugin and their options.

    NAME is the name of a plugin, as in `acc plugins list`, or of a stage, as in `use`.
    """
    plugin = _find(app.manager(), name)
    if as_json:
        print_json(plugin_as_json(plugin))
        return
    click.echo(f"{plugin.name} ({origin(plugin)}, {plugin.status})")
    for note in notes(plugin):
        click.echo(f"  {note}")
    for stage in plugin.provides:
        _show(stage)


def _find(manager: PluginManager, name: str) -> Plugin:
    plugins = {plugin.name: plugin for plugin in manager.plugins}
    if name in plugins:
        return plugins[name]
    providers = [plugin for plugin in manager.plugins if any(stage.name == name for stage in plugin.provides)]
    if len(providers) == 1:
        return providers[0]
    if providers:
        names = " and ".join(plugin.name for plugin in providers)
        raise UserError(f"'{name}' is provided by {names}", f"run: acc plugins show {providers[0].name}")
    raise UserError(f"no plugin '{name}'{suggest(name, plugins)}", "run: acc plugins list")


def _show(stage: Provided) -> None:
    click.echo(f"\n{stage.kind} '{stage.name}': {stage.summary}")
    location = source_location(stage)
    if location:
        click.echo(f"  in {location}")
    for table, cls in option_tables(stage).items():
        options = document_options(cls)
        click.echo(f"\n[{table}]" if options else f"\n[{table}] has no options")
        for option in options:
            click.echo(f"  {option.name}  ({option.type}; {_default(option)})\n      {option.help}")
    if isinstance(stage, StageType):
        click.echo("\nIn pipeline.toml:\n")
        click.echo("\n".join(f"  {line}".rstrip() for line in example_toml(stage).splitlines()))


def _default(option: OptionDoc) -> str:
    if option.required:
        return "required"
    return "default none" if option.default is None else f"default {toml_value(option.default)}"
