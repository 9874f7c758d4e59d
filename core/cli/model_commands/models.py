"""`acc models`."""

from __future__ import annotations

import click

from autocakechat.cli.lazy import LazyGroup


@click.command(
    "models",
    cls=LazyGroup,
    invoke_without_command=True,
    entries={
        "list": ("model_commands.list", "List corpora and models: whose they are, how large, when they were made."),
        "show": ("model_commands.show", "Show everything about a corpus or a model."),
        "export": ("model_commands.export", "Copy a model to another folder."),
        "remove": ("model_commands.remove", "Remove a corpus or a model."),
    },
)
@click.pass_context
def command(context: click.Context) -> None:
    """List, show, export and remove the corpora and models of a folder; without a subcommand, list them."""
    if context.invoked_subcommand is None:
        from autocakechat.cli.model_commands.list import command as list_command

        context.invoke(list_command)
