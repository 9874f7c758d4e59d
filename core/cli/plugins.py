"""`acc plugins`."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

import attrs
import click

from autocakechat.errors import UserError
from autocakechat.manager import Plugin, Provided, missing_requirements
from autocakechat.stages import StageType, TrainerType
from autocakechat.structure import describe, suggest

if TYPE_CHECKING:
    from autocakechat.cli.app import App


@click.group("plugins")
def command() -> None:
    """Show the plugins that are installed."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_plugins(app: App, as_json: bool) -> None:
    """List all plugins, with where they come from and what they provide."""
    plugins = app.manager().plugins
    if as_json:
        _print_json([_described(plugin) for plugin in plugins])
        return
    rows = [("PLUGIN", "FROM", "STATUS", "PROVIDES")]
    rows += [
        (plugin.name, _origin(plugin), plugin.status, ", ".join(_label(stage) for stage in plugin.provides))
        for plugin in plugins
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        click.echo("  ".join([*padded, row[3]]).rstrip())
    for plugin in plugins:
        for note in _notes(plugin):
            click.echo(f"  {plugin.name}: {note}")


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(app: App, name: str, as_json: bool) -> None:
    """Show what a plugin provides: every stage with its options."""
    plugins = {plugin.name: plugin for plugin in app.manager().plugins}
    if name not in plugins:
        raise UserError(f"no plugin '{name}'{suggest(name, plugins)}", "type: acc plugins list")
    plugin = plugins[name]
    if as_json:
        _print_json(_described(plugin))
        return
    click.echo(f"{plugin.name} ({_origin(plugin)}, {plugin.status})")
    for note in _notes(plugin):
        click.echo(f"  {note}")
    for stage in plugin.provides:
        click.echo(f"\n{stage.kind} '{stage.name}': {stage.summary}")
        for table, cls in _option_tables(stage):
            click.echo(f"\n[{table}]")
            for option in _options(cls):
                default = "required" if option["required"] else f"default {_shown(option['default'])}"
                click.echo(f"  {option['name']}  ({option['type']}; {default})\n      {option['help']}")


def _origin(plugin: Plugin) -> str:
    return "bundled" if plugin.bundled else f"{plugin.distribution} {plugin.version}"


def _label(stage: Provided) -> str:
    return f"{stage.kind} {stage.name}"


def _notes(plugin: Plugin) -> list[str]:
    """What a user should know about a plugin: what is wrong with it, and what its stages lack."""
    notes = list(plugin.problems)
    for stage in plugin.provides:
        missing = missing_requirements(stage) if isinstance(stage, StageType) else []
        if missing:
            notes.append(f"{_label(stage)} needs {', '.join(missing)}; type: {stage.install}")  # type: ignore[union-attr]
    return notes


def _described(plugin: Plugin) -> dict[str, Any]:
    """A plugin as JSON. These keys stay as they are."""
    return {
        "name": plugin.name,
        "module": plugin.module,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "bundled": plugin.bundled,
        "status": plugin.status,
        "problems": plugin.problems,
        "provides": [_described_stage(stage) for stage in plugin.provides],
    }


def _described_stage(stage: Provided) -> dict[str, Any]:
    described: dict[str, Any] = {"kind": stage.kind, "name": stage.name, "summary": stage.summary}
    if isinstance(stage, StageType):
        described |= {"version": stage.version, "missing": missing_requirements(stage), "install": stage.install}
        described["options"] = {table: _options(cls) for table, cls in _option_tables(stage)}
    return described


def _option_tables(stage: Provided) -> list[tuple[str, type]]:
    if not isinstance(stage, StageType):
        return []
    tables: list[tuple[str, type]] = [(stage.kind, stage.config)]
    return [*tables, ("reply", stage.reply)] if isinstance(stage, TrainerType) else tables


def _options(cls: type) -> list[dict[str, Any]]:
    hints = typing.get_type_hints(cls)
    return [
        {
            "name": field.name,
            "type": describe(hints[field.name]),
            "required": field.default is attrs.NOTHING,
            "default": _default(field),
            "help": field.metadata.get("help", ""),
        }
        for field in attrs.fields(cls)
    ]


def _default(field: attrs.Attribute[Any]) -> Any:
    default: Any = field.default
    if default is attrs.NOTHING:
        return None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        default = default.factory()
    if isinstance(default, tuple):
        return list(default)
    return default if default is None or isinstance(default, bool | int | float | str | list) else str(default)


def _shown(default: Any) -> str:
    """A default as it would be written in the TOML."""
    import msgspec

    return "none" if default is None else msgspec.json.encode(default).decode()


def _print_json(content: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=1).decode())
