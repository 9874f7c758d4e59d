"""The program `acc`: its commands, exit statuses and error messages."""

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

# Commands are imported when they are used, so that `acc --help` is fast.
_COMMANDS = {
    "init": ("init_command.command", "Create a pipeline.toml by asking a few questions."),
    "run": ("run", "Run a pipeline.toml: from chat logs to a bot."),
    "train": ("train", "Train a model on an existing corpus."),
    "deploy": ("deploy", "Start the bot with a trained model."),
    "chat": ("chat", "Chat with a model in the terminal."),
    "evaluate": ("evaluate_command.command", "Evaluate a bot against held-out replies of its person."),
    "inspect": ("inspect", "Show the chats and participants of a chat log, with their ids."),
    "corpus": ("corpus", "Show the corpus report, or export the corpus for other programs."),
    "config": ("config", "Check a pipeline.toml, or print its JSON Schema for editors."),
    "plugins": ("plugin_commands.plugins", "List, show, install, uninstall and create plugins."),
    "models": ("model_commands.models", "List, show, export and remove corpora and models."),
    "clean": ("clean", "Remove unfinished work, and corpora and models that no pipeline can use."),
}


class Commands(LazyGroup):
    """The commands of `acc`, including those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of all commands, the bundled ones first."""
        return [*super().list_commands(ctx), *sorted(_app(ctx).manager().stages("command"))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns a command; None if it does not exist."""
        bundled = super().get_command(ctx, cmd_name)
        if bundled:
            return bundled
        manager = _app(ctx).manager()
        return manager.load_command(cmd_name) if cmd_name in manager.stages("command") else None

    def rows(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Returns the name and the summary of every command."""
        provided = _app(ctx).manager().stages("command").values()
        return [*super().rows(ctx), *((command.name, command.summary) for command in provided)]


@click.command(cls=Commands, entries=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--disable", multiple=True, metavar="NAME", help="Do not load this plugin. May be repeated.")
@click.option("-v", "--verbose", is_flag=True, help="Log everything, with tracebacks.")
@click.option("-q", "--quiet", is_flag=True, help="Log only warnings and errors.")
@click.option(
    "--log-time/--no-log-time",
    default=None,
    envvar="ACC_LOG_TIME",
    show_envvar=True,
    help="Start log lines with the time. By default only `acc deploy` does, if the log goes to a file or a pipe.",
)
@click.version_option(package_name="autocakechat")
@click.pass_context
def acc(ctx: click.Context, disable: tuple[str, ...], verbose: bool, quiet: bool, log_time: bool | None) -> None:
    """Turn a person's chat logs into a bot that talks like that person."""
    ctx.obj = App.from_options(disable, verbose, quiet, log_time)


class Terminated(KeyboardInterrupt):
    """The program received SIGTERM."""


def main() -> NoReturn:
    """Runs `acc` and exits.

    The exit status is 0 for success, 2 for an error that the user can fix, 1 for any other error, 130 after Ctrl-C and
    143 after SIGTERM.
    """
    signal.signal(signal.SIGTERM, _raise_terminated)
    _complete_for_shell()
    context: click.Context | None = None
    try:
        with acc.make_context("acc", sys.argv[1:]) as context:
            acc.invoke(context)
        sys.exit(_flush_stdout(0))
    except click.exceptions.Exit as exit_request:
        sys.exit(_flush_stdout(exit_request.exit_code))
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BrokenPipeError:
        # The reader of standard output is gone. Discard the rest, or Python complains about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort) as interruption:
        sys.exit(143 if isinstance(interruption, Terminated) else 130)
    except MemoryError:
        click.echo("acc: out of memory; set a smaller trainer.size, or close other programs", err=True)
        sys.exit(1)
    except Exception as error:
        if isinstance(error, OSError) and is_full_disk(error):
            error = full_disk(error)
        if context and isinstance(context.obj, App):
            error = context.obj.attribute(error)
        _show_error(context, error)
        sys.exit(error.exit_status if isinstance(error, AccError) else 1)


def _complete_for_shell() -> None:
    """Prints completions and exits, if a shell requests them; see docs/completion.md."""
    instruction = os.environ.get("_ACC_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(acc, {}, "acc", "_ACC_COMPLETE", instruction))


def _show_error(context: click.Context | None, error: Exception) -> None:
    """Prints one line for each problem; with `--verbose`, also logs the traceback."""
    app = context.obj if context and isinstance(context.obj, App) else App.from_options((), False, False)
    if isinstance(error, AccError):
        lines = str(error).splitlines()
    else:
        lines = [f"internal error: {type(error).__name__}: {error}; run again with `acc -v` and report it"]
    for line in lines:
        click.echo(app.error_line(line), err=True)
    if app.verbose:
        from autocakechat.registry.plugin_errors import format_details

        app.log.error("%s", format_details(error))


def _flush_stdout(status: int) -> int:
    sys.stdout.flush()
    return status


def _raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _app(ctx: click.Context) -> App:
    if not isinstance(ctx.obj, App):
        # Shell completion and `--help` list the commands without running the group, which would set `obj`.
        ctx.obj = App.from_options(ctx.params.get("disable") or (), False, False)
    return ctx.obj
