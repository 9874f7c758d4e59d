"""`acc plugins`."""

from __future__ import annotations

import click

from autocakechat.cli.lazy import LazyGroup


@click.command(
    "plugins",
    cls=LazyGroup,
    entries={
        "list": ("plugin_commands.list", "List all plugins: where they come from and what they provide."),
        "show": ("plugin_commands.show", "Show the stages of a plugin and their options."),
        "install": ("plugin_commands.install", "Install plugins."),
        "uninstall": ("plugin_commands.uninstall", "Uninstall plugins."),
        "new": ("plugin_commands.new", "Create a new plugin from a template."),
    },
)
def command() -> None:
    """List, show, install, uninstall and create plugins."""
