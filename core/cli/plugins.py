"""`acc plugins`."""

from __future__ import annotations

import click

from autocakechat.cli.lazy import LazyGroup


@click.command(
    "plugins",
    cls=LazyGroup,
    places={
        "list": ("plugins_list", "List all plugins, with where they come from and what they provide."),
        "show": ("plugins_show", "Show what a plugin provides: every stage with its options."),
        "install": ("plugins_install", "Install plugins for this autocakechat."),
        "uninstall": ("plugins_uninstall", "Uninstall plugins of others."),
        "new": ("plugins_new", "Begin a plugin of your own."),
    },
)
def command() -> None:
    """Show, install and make plugins."""
