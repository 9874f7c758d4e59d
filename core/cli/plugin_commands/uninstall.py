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
    return [CompletionItem(entry.name) for entry in _others() if entry.name.startswith(incomplete)]


@click.command("uninstall")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete)
@click.pass_obj
def command(app: App, names: tuple[str, ...]) -> None:
    """Uninstall plugins of others.

    NAME is a plugin's, as `acc plugins list` shows it, or that of the distribution it came with.
    """
    from autocakechat.cli.plugin_commands.install import plugins_afresh
    from autocakechat.registry.installer import uninstall

    leaving = {name: _distribution_of(name) for name in names}
    uninstall(sorted(set(leaving.values())))
    left = {plugin["distribution"] for plugin in plugins_afresh()}
    still = [found for found in leaving.values() if found in left]
    if still:
        raise UserError(f"{', '.join(still)}: still there", "it lies outside of this environment; remove it there")
    for found in sorted(set(leaving.values())):
        click.echo(f"{found}: uninstalled", err=True)


def _others() -> list[EntryPoint]:
    return [entry for entry in entry_points(group=PROJECT) if entry.dist and entry.dist.name != BUNDLED]


def _distribution_of(name: str) -> str:
    """Finds the distribution of a plugin without importing any: it may be uninstalled because it is broken.

    Raises:
        UserError: It is no plugin, or comes with autocakechat.
    """
    from packaging.utils import canonicalize_name

    if name.startswith("-"):
        raise UserError(f"{name}: an option, not a plugin", "give names as `acc plugins list` shows them")
    for entry in _others():
        assert entry.dist
        if name == entry.name or canonicalize_name(name) == canonicalize_name(entry.dist.name):
            return entry.dist.name
    bundled = {entry.name for entry in entry_points(group=PROJECT)}
    if name in bundled or canonicalize_name(name) == BUNDLED:
        raise UserError(f"{name}: comes with autocakechat", 'to switch it off: [plugins] disabled = ["NAME"]')
    try:
        distribution(name)
    except (PackageNotFoundError, ValueError):
        known = [entry.name for entry in _others()]
        raise UserError(f"no plugin '{name}'{suggest(name, known)}", "type: acc plugins list --external") from None
    raise UserError(f"{name}: is no plugin of autocakechat", "see: acc plugins list --external")
