"""`acc plugins`."""

from __future__ import annotations

import click

from autocakechat.cli.lazy import LazyGroup


@click.command(
    "plugins",
    cls=LazyGroup,
    places={
        "list": ("plugin_commands.list", "List all plugins, with where they come from and what they provide."),
        "show": ("plugin_commands.show", "Show what a plugin provides: every stage with its options."),
        "install": ("plugin_commands.install", "Install plugins for this autocakechat."),
        "uninstall": ("plugin_commands.uninstall", "Uninstall plugins of others."),
        "new": ("plugin_commands.new", "Begin a plugin of your own."),
    },
)
def command() -> None:
    """Show, install and make plugins."""
