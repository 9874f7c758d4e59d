"""Groups of commands that are imported when they are used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

Place = tuple[str, str]
"""Name of a module of `autocakechat.cli`, and one line for lists."""


class LazyGroup(click.Group):
    """A group whose commands each stand in a module of their own, as `command`.

    Args:
        places: For each command, where it is and what it does.
        arguments: Those of a click group.
    """

    def __init__(self, *arguments: Any, places: Mapping[str, Place], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns all names."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command."""
        if cmd_name not in self.places:
            return None
        command: click.Command = importlib.import_module(f"autocakechat.cli.{self.places[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists all commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(self.rows(ctx))

    def rows(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Returns every command's name and line."""
        return [(name, summary) for name, (_, summary) in self.places.items()]
