"""`acc plugins install`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any

import click

from autocakechat.errors import AccError, UserError

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.registry.installer import InstallTarget


@click.command("install")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.pass_obj
def command(app: App, names: tuple[str, ...]) -> None:
    """Install plugins for this autocakechat, and check that they load.

    NAME is what pip would install: autocakechat-x, autocakechat-x>=1.2, a wheel, or a folder written ./folder.
    """
    from autocakechat.registry.installer import install, parse_target

    wanted = [parse_target(name) for name in names]
    if any(_canonical(each.distribution or "") == "autocakechat" for each in wanted):
        raise UserError("autocakechat is no plugin of itself", "for its extras: pip install 'autocakechat[telegram]'")
    install(wanted)
    plugins = plugins_afresh()
    problems = [problem for each in wanted for problem in _checked(each, plugins)]
    if problems:
        raise AccError("\n".join(problems))


def plugins_afresh() -> list[dict[str, Any]]:
    """Lists the plugins of others in a process of its own, which sees what this one has imported too early to see."""
    arguments = [sys.executable, "-m", "autocakechat", "plugins", "list", "--json", "--external"]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if done.returncode:
        raise AccError("autocakechat does not start any more", "what went wrong stands above")
    plugins: list[dict[str, Any]] = json.loads(done.stdout)
    return plugins


def _checked(wanted: InstallTarget, plugins: Sequence[dict[str, Any]]) -> list[str]:
    """Tells what a distribution brought; returns what is wrong with it."""
    distribution = wanted.distribution or _built_from(wanted.argument)
    brought = [plugin for plugin in plugins if _canonical(plugin["distribution"]) == _canonical(distribution)]
    if not brought:
        return [f"{distribution}: is installed, and is no plugin of autocakechat; type: pip uninstall {distribution}"]
    problems = []
    for plugin in brought:
        name = f"{plugin['name']} ({plugin['distribution']} {plugin['version']})"
        problems += [
            f"plugin {name}: {problem}; to remove it: acc plugins uninstall {plugin['name']}"
            for problem in plugin["problems"]
        ]
        for warning in plugin["warnings"]:
            click.echo(f"plugin {name}: for its author: {warning}", err=True)
        if plugin["status"] == "active":
            provided = ", ".join(f"{stage['kind']} {stage['name']}" for stage in plugin["provides"])
            click.echo(f"plugin {name}: installed; it provides {provided or 'nothing but listens'}", err=True)
            _tell_missing(plugin)
    return problems


def _tell_missing(plugin: dict[str, Any]) -> None:
    for stage in plugin["provides"]:
        if stage.get("missing"):
            needs = f"{stage['kind']} {stage['name']} needs {', '.join(stage['missing'])}"
            click.echo(f"  {needs}; type: {stage['install']}", err=True)


def _built_from(folder: str) -> str:
    """The name of the distribution that was built from a folder."""
    from pathlib import Path

    for distribution in distributions():
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if origin.get("url") == Path(folder).as_uri():
            return distribution.name
    raise AccError(f"{folder}: was installed under a name that nobody knows", "see: acc plugins list --external")


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)
