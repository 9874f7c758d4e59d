"""`acc run`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autocakechat.errors import AccError, ManyProblemsError, UserError

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.pipeline.runner import BuiltArtifact, Until

_ARTIFACTS = click.Choice(["corpus", "model"])


@click.command("run")
@click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")
@click.option("--until", type=_ARTIFACTS, help="Stop when this is made.")
@click.option("--force", type=_ARTIFACTS, help="Make this even if it could be reused.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set an option, such as trainer.size=tiny."
)
@click.option("--export-model", type=click.Path(path_type=Path, file_okay=False), help="Copy the model to this folder.")
@click.option("--samples", type=click.IntRange(0, 20), default=0, help="Show so many pairs of the corpus, at most 20.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would run, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output; needs --until.")
@click.pass_obj
def command(
    app: App,
    pipeline: Path,
    until: Until | None,
    force: Until | None,
    overrides: tuple[str, ...],
    export_model: Path | None,
    samples: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Turn chat logs into a bot: everything PIPELINE says, by default pipeline.toml."""
    if as_json and until is None:
        raise UserError("--json needs --until", "otherwise standard output belongs to the deployer")
    if export_model and until == "corpus":
        raise UserError("--export-model needs a model", "leave --until corpus out")
    built: dict[str, BuiltArtifact] = {}
    with _told_as_json(app, built, samples) if as_json else nullcontext():
        runner = app.runner(pipeline, overrides)
        if dry_run:
            for line in runner.dry_run(until, force):
                app.log.info("%s", line)
            return
        runner.check(until)
        with resumable(app):
            built.update(runner.run(until, force, samples))
            if export_model:
                runner.export_model(built["model"], export_model)
    if until is None:
        runner.deploy(built["model"].artifact.path)


@contextmanager
def resumable(app: App) -> Iterator[None]:
    """Ends a failure with the command that goes on from where it was."""
    try:
        yield
    except KeyboardInterrupt:
        app.log.warning("interrupted; to go on: %s", _what_was_typed())
        raise
    except AccError as error:
        raise _with_resume(error) from error


def _with_resume(error: AccError) -> AccError:
    resume = f"to go on: {_what_was_typed()}"
    told = ManyProblemsError([*str(error).splitlines(), resume])
    told.exit_status = error.exit_status
    return told


def _what_was_typed() -> str:
    """Returns the command that goes on; in a container that is what was typed outside of it."""
    return os.environ.get("ACC_TYPED") or shlex.join(["acc", *sys.argv[1:]])


@contextmanager
def _told_as_json(app: App, built: dict[str, BuiltArtifact], samples: int) -> Iterator[None]:
    """Prints what was built, or what went wrong, as one JSON object."""
    try:
        yield
    except (AccError, KeyboardInterrupt) as error:
        _print(app, {"status": "failed", "error": str(error) or "interrupted", **_artifacts(built, samples)})
        raise
    _print(app, {"status": "done", **_artifacts(built, samples)})


def _artifacts(built: dict[str, BuiltArtifact], samples: int) -> dict[str, Any]:
    described: dict[str, Any] = {}
    for kind, made in built.items():
        path = str(made.artifact.path.resolve())
        described[kind] = {"path": path, "key": made.artifact.key, "reused": made.reused}
        if kind == "model":
            described[kind]["metrics"] = made.measured
        else:
            # What stood in the chats is shown to who asks for it.
            described[kind]["report"] = made.measured | {"samples": made.measured["samples"][:samples]}
    return described


def _print(app: App, content: dict[str, Any]) -> None:
    import msgspec

    click.echo(app.redact(msgspec.json.format(msgspec.json.encode(content), indent=1).decode()))
