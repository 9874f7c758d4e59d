"""`acc plugins uninstall`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from autocakechat.errors import UserError
from autocakechat.interface.hookspecs import PROJECT
from autocakechat.registry.plugin import BUNDLED
from autocakechat.text import suggest

if TYPE_CHECKING:
    from autocakechat.cli.app import App


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(entry.name) for entry in _external_entry_points() if entry.name.startswith(incomplete)]


@click.command("uninstall")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete)
@click.pass_obj
def command(app: App, names: tuple[str, ...]) -> None:
    """Uninstall plugins that are not bundled with autocakechat.

    NAME is the name of a plugin, as in `acc plugins list`, or of its distribution.
    """
    from autocakechat.cli.plugin_commands.install import list_external_plugins
    from autocakechat.registry.installer import uninstall

    names_to_remove = sorted({_find_distribution(name) for name in names})
    uninstall(names_to_remove)
    remaining = {plugin["distribution"] for plugin in list_external_plugins()}
    not_removed = [name for name in names_to_remove if name in remaining]
    if not_removed:
        raise UserError(
            f"{', '.join(not_removed)}: still installed", "it is installed outside of this environment; remove it there"
        )
    for name in names_to_remove:
        click.echo(f"{name}: uninstalled", err=True)


def _external_entry_points() -> list[EntryPoint]:
    return [entry for entry in entry_points(group=PROJECT) if entry.dist and entry.dist.name != BUNDLED]


def _find_distribution(name: str) -> str:
    """Returns the distribution of a plugin. Does not import the plugin, which may be broken.

    Raises:
        UserError: It is not a plugin, or is bundled with autocakechat.
    """
    from packaging.utils import canonicalize_name

    if name.startswith("-"):
        raise UserError(f"{name}: an option, not a plugin", "give the name of a plugin, as in `acc plugins list`")
    for entry in _external_entry_points():
        assert entry.dist
        if name == entry.name or canonicalize_name(name) == canonicalize_name(entry.dist.name):
            return entry.dist.name
    bundled = {entry.name for entry in entry_points(group=PROJECT)}
    if name in bundled or canonicalize_name(name) == BUNDLED:
        raise UserError(f"{name}: is bundled with autocakechat", 'to disable it: [plugins] disabled = ["NAME"]')
    try:
        distribution(name)
    except (PackageNotFoundError, ValueError):
        plugin_names = [entry.name for entry in _external_entry_points()]
        raise UserError(
            f"no plugin '{name}'{suggest(name, plugin_names)}", "run: acc plugins list --external"
        ) from None
    raise UserError(f"{name}: not a plugin of autocakechat", "run: acc plugins list --external")
