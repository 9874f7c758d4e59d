"""Command groups: they suggest the right command, and import it when it is used, so that `acc --help` is fast."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from autocakechat.errors import UserError
from autocakechat.text import suggest

CommandEntry = tuple[str, str]
"""The module of a command, relative to `autocakechat.cli`, and its summary."""


class CommandGroup(click.Group):
    """A group that reports an unknown command in one line."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Returns the name, the command and its arguments.

        Raises:
            UserError: There is no such command.
        """
        name = args[0]
        if not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            hint = suggest(name, self.list_commands(ctx)) or f"; for all commands: {ctx.command_path} --help"
            raise UserError(f"no such command '{name}'{hint}")
        return super().resolve_command(ctx, args)


class LazyGroup(CommandGroup):
    """A group whose commands are each the `command` of a separate module.

    Args:
        arguments: The arguments of `click.Group`.
        entries: The module and the summary of each command, by name.
        named: The named arguments of `click.Group`.
    """

    def __init__(self, *arguments: Any, entries: Mapping[str, CommandEntry], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of all commands."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns a command; None if it does not exist."""
        if cmd_name not in self.entries:
            return None
        module, _ = self.entries[cmd_name]
        command: click.Command = importlib.import_module(f"autocakechat.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(self.rows(ctx))

    def rows(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Returns the name and the summary of every command."""
        return [(name, summary) for name, (_, summary) in self.entries.items()]
