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
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option(
    "-e",
    "--editable",
    "folders",
    multiple=True,
    metavar="FOLDER",
    help="Install the project in a folder so that changes of its code take effect immediately. May be repeated.",
)
@click.pass_obj
def command(app: App, names: tuple[str, ...], folders: tuple[str, ...]) -> None:
    """Install plugins into this environment, and check that they load.

    NAME is anything pip can install: autocakechat-x, autocakechat-x>=1.2, a wheel, or a folder such as ./folder.
    """
    from autocakechat.registry.installer import install, parse_editable, parse_target

    if not (names or folders):
        raise UserError("no plugin is given", "give names, wheels or folders, such as --editable ./folder")
    targets = [*map(parse_editable, folders), *map(parse_target, names)]
    if any(_canonical(target.distribution or "") == "autocakechat" for target in targets):
        raise UserError("autocakechat is not a plugin", "for its extras: pip install 'autocakechat[telegram]'")
    install(targets)
    plugins = list_external_plugins()
    problems = [problem for target in targets for problem in _report_installed(target, plugins)]
    if problems:
        raise AccError("\n".join(problems))


def list_external_plugins() -> list[dict[str, Any]]:
    """Returns the output of `acc plugins list --json --external`.

    It runs in a new process, because this one does not see distributions that were installed after its start.
    """
    from autocakechat.registry.installer import environment_without_secrets

    arguments = [sys.executable, "-m", "autocakechat", "plugins", "list", "--json", "--external"]
    environment = environment_without_secrets()
    completed = subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if completed.returncode:
        raise AccError("autocakechat does not start any more", "see the error above")
    plugins: list[dict[str, Any]] = json.loads(completed.stdout)
    return plugins


def _report_installed(target: InstallTarget, plugins: Sequence[dict[str, Any]]) -> list[str]:
    """Prints the plugins that a distribution brought.

    Args:
        target: The distribution that was installed.
        plugins: All external plugins.

    Returns:
        One line for each problem with them.
    """
    distribution = target.distribution or _distribution_of_folder(target.argument)
    installed = [plugin for plugin in plugins if _canonical(plugin["distribution"]) == _canonical(distribution)]
    if not installed:
        return [f"{distribution}: installed, but not a plugin of autocakechat; run: pip uninstall {distribution}"]
    problems = []
    for plugin in installed:
        name = f"{plugin['name']} ({plugin['distribution']} {plugin['version']})"
        removal = f"to remove it: acc plugins uninstall {plugin['name']}"
        problems += [f"plugin {name}: {problem}; {removal}" for problem in plugin["problems"]]
        for warning in plugin["warnings"]:
            click.echo(f"plugin {name}: for its author: {warning}", err=True)
        if plugin["status"] == "active":
            stages = ", ".join(f"{stage['kind']} {stage['name']}" for stage in plugin["provides"])
            click.echo(f"plugin {name}: installed; it provides {stages or 'event hooks only'}", err=True)
            _print_missing_modules(plugin)
    return problems


def _print_missing_modules(plugin: dict[str, Any]) -> None:
    for stage in plugin["provides"]:
        lines = [
            f"  {stage['kind']} {stage['name']} needs {', '.join(stage[missing])}; run: {stage[install]}"
            for missing, install in (("missing", "install"), ("load_missing", "load_install"))
            if stage.get(missing)
        ]
        for line in dict.fromkeys(lines):  # both are the same for a trainer that needs the same to train and to answer
            click.echo(line, err=True)


def _distribution_of_folder(folder: str) -> str:
    """Returns the name of the distribution that was installed from a folder."""
    from pathlib import Path

    for distribution in distributions():
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if origin.get("url") == Path(folder).as_uri():
            return distribution.name
    raise AccError(f"{folder}: installed, but no distribution records this folder", "run: acc plugins list --external")


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)
