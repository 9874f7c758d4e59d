"""The program `acc`: finds commands, and turns every ending into an exit status."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from autocakechat.cli.app import App
from autocakechat.cli.lazy import LazyGroup
from autocakechat.errors import AccError, full_disk, is_full_disk
from autocakechat.text import escape_control_characters

# Imported on use, so that `acc --help` answers at once.
_COMMANDS = {
    "init": ("init", "Write a pipeline.toml, by asking a few questions."),
    "run": ("run", "Turn chat logs into a bot: everything a pipeline.toml says."),
    "train": ("train", "Train a model on the newest corpus."),
    "deploy": ("deploy", "Start the bot with a model that is trained already."),
    "chat": ("chat", "Talk to a model in the terminal."),
    "evaluate": ("evaluate", "Measure how much a bot is like its person."),
    "inspect": ("inspect", "Show who is in a chat log, and find the id to learn."),
    "corpus": ("corpus", "Write the corpus in the form of other programs."),
    "config": ("config", "Check a pipeline.toml, and help editors with it."),
    "plugins": ("plugin_commands.plugins", "Show, install and make plugins."),
    "clean": ("clean", "Remove unfinished work and what newer runs replaced."),
}


class Commands(LazyGroup):
    """The commands of `acc`, those of plugins too."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns all names, the bundled commands first."""
        return [*super().list_commands(ctx), *sorted(_app(ctx).manager().stages("command"))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command."""
        bundled = super().get_command(ctx, cmd_name)
        if bundled:
            return bundled
        provided = _app(ctx).manager().stages("command").get(cmd_name)
        return provided.load() if provided else None  # type: ignore[union-attr]

    def rows(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Returns every command's name and line."""
        provided = _app(ctx).manager().stages("command").values()
        return [*super().rows(ctx), *((command.name, command.summary) for command in provided)]


@click.command(cls=Commands, places=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--disable", multiple=True, metavar="NAME", help="Leave out a plugin. Can be given several times.")
@click.option("-v", "--verbose", is_flag=True, help="Show everything, tracebacks too.")
@click.option("-q", "--quiet", is_flag=True, help="Show warnings only.")
@click.version_option(package_name="autocakechat")
@click.pass_context
def acc(ctx: click.Context, disable: tuple[str, ...], verbose: bool, quiet: bool) -> None:
    """Turn a person's chat logs into a bot that talks like that person."""
    ctx.obj = App.start(disable, verbose, quiet)


class Terminated(KeyboardInterrupt):
    """The program was asked to stop by its supervisor."""


def main() -> NoReturn:
    """Runs `acc` and exits: 0 done, 2 what the user can mend, 1 other failures, 130 or 143 interrupted."""
    signal.signal(signal.SIGTERM, _terminate)
    _complete_for_shell()
    context: click.Context | None = None
    try:
        with acc.make_context("acc", sys.argv[1:]) as context:
            acc.invoke(context)
        sys.exit(_flushed(0))
    except click.exceptions.Exit as ending:
        sys.exit(_flushed(ending.exit_code))
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort) as interruption:
        sys.exit(143 if isinstance(interruption, Terminated) else 130)
    except MemoryError:
        click.echo("acc: out of memory; take a smaller trainer.size, or close other programs", err=True)
        sys.exit(1)
    except Exception as error:
        if isinstance(error, OSError) and is_full_disk(error):
            error = full_disk(error)
        _tell(context, error, error.exit_status if isinstance(error, AccError) else 1)


def _complete_for_shell() -> None:
    """Answers a shell that asks what could be typed next, and ends; see docs/completion.md."""
    instruction = os.environ.get("_ACC_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(acc, {}, "acc", "_ACC_COMPLETE", instruction))


def _tell(context: click.Context | None, error: Exception, status: int) -> NoReturn:
    """Tells of an error in a line for each problem; the traceback only to who asked for everything."""
    app = context.obj if context and isinstance(context.obj, App) else App.start((), False, False)
    if isinstance(error, AccError):
        lines = str(error).splitlines()
    else:
        lines = [f"internal error: {type(error).__name__}: {error}; run again with `acc -v` and report it"]
    for line in lines:
        click.echo(f"acc: {app.redact(escape_control_characters(line))}", err=True)
    if app.verbose:
        app.log.error("traceback", exc_info=error)
    sys.exit(status)


def _flushed(status: int) -> int:
    sys.stdout.flush()
    return status


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _app(ctx: click.Context) -> App:
    if not isinstance(ctx.obj, App):
        # Shell completion and `--help` ask for the commands before the group itself runs.
        ctx.obj = App.start(ctx.params.get("disable") or (), False, False)
    return ctx.obj
