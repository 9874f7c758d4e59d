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

from autocakechat.cli.overrides import cluster_option, set_option, with_cluster
from autocakechat.errors import AccError, ManyProblemsError, StageError, UserError, full_disk, is_full_disk

if TYPE_CHECKING:
    from autocakechat.artifacts.store import ArtifactKind
    from autocakechat.cli.app import App
    from autocakechat.pipeline.artifact_builder import BuiltArtifact

_ARTIFACTS = click.Choice(["corpus", "model"])


@click.command("run")
@click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")
@click.option("--until", type=_ARTIFACTS, help="Stop after this artifact is built.")
@click.option("--force", type=_ARTIFACTS, help="Build this artifact even if it could be reused.")
@set_option(example="trainer.size=tiny")
@cluster_option
@click.option("--export-model", type=click.Path(path_type=Path, file_okay=False), help="Copy the model to this folder.")
@click.option("--samples", type=click.IntRange(0, 20), default=0, help="Show this many sample pairs of the corpus.")
@click.option("--dry-run", is_flag=True, help="Only check everything and show what would run.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; needs --until.")
@click.pass_obj
def command(
    app: App,
    pipeline: Path,
    until: ArtifactKind | None,
    force: ArtifactKind | None,
    overrides: tuple[str, ...],
    cluster: str | None,
    export_model: Path | None,
    samples: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run PIPELINE, by default pipeline.toml: build the corpus, train the model, start the bot.

    An artifact is reused if nothing it depends on has changed.
    """
    if as_json and until is None:
        raise UserError("--json needs --until", "without it, standard output belongs to the deployer")
    if export_model and until == "corpus":
        raise UserError("--export-model needs a model", "remove --until corpus")
    built: dict[str, BuiltArtifact] = {}
    with _print_json(app, built, samples) if as_json else nullcontext():
        runner = app.runner(pipeline, with_cluster(overrides, cluster))
        if dry_run:
            for line in runner.dry_run(until, force):
                app.log.info("%s", line)
            return
        with add_resume_hint(app):
            built.update(runner.run(until, force, samples))
            if export_model:
                export_model_to(app, built["model"].artifact.path, export_model)
    if until is None:
        runner.deploy(built["model"].artifact.path)


def export_model_to(app: App, model: Path, target: Path) -> None:
    """Copies a model to a folder outside of the artifact store."""
    from autocakechat.artifacts.export import export_model

    export_model(model, target)
    app.log.info("model: copied to %s", target)


@contextmanager
def add_resume_hint(app: App) -> Iterator[None]:
    """Shows the command that resumes the work in the block after an interruption, or an error that it may get past."""
    try:
        yield
    except KeyboardInterrupt:
        app.log.warning("interrupted; to resume: %s", _typed_command())
        raise
    except (AccError, MemoryError, OSError) as error:
        resumable = _as_resumable(error)
        if resumable is None:
            raise
        raise _add_resume_line(resumable) from error


def _as_resumable(error: Exception) -> AccError | None:
    """Returns an error that the same command may get past, as an `AccError`; None for all others."""
    if isinstance(error, MemoryError):
        return StageError("out of memory", "set a smaller trainer.size, or close other programs")
    if isinstance(error, OSError):
        return full_disk(error) if is_full_disk(error) else None
    return error if isinstance(error, AccError) and error.resumable else None


def _add_resume_line(error: AccError) -> AccError:
    error_with_hint = ManyProblemsError([*str(error).splitlines(), f"to resume: {_typed_command()}"])
    error_with_hint.exit_status = error.exit_status
    return error_with_hint


def _typed_command() -> str:
    """Returns the command that the user typed; in a container, the one typed outside of it."""
    return os.environ.get("ACC_TYPED") or shlex.join(["acc", *sys.argv[1:]])


@contextmanager
def _print_json(app: App, built: dict[str, BuiltArtifact], samples: int) -> Iterator[None]:
    """Prints the artifacts built in the block, or the error, as one JSON object."""
    try:
        yield
    except (AccError, KeyboardInterrupt) as error:
        _print(app, {"status": "failed", "error": str(error) or "interrupted", **_artifacts_as_json(built, samples)})
        raise
    _print(app, {"status": "done", **_artifacts_as_json(built, samples)})


def _artifacts_as_json(built: dict[str, BuiltArtifact], samples: int) -> dict[str, Any]:
    artifacts: dict[str, Any] = {}
    for kind, result in built.items():
        path = str(result.artifact.path.resolve())
        artifacts[kind] = {"path": path, "key": result.artifact.key, "reused": result.reused}
        if kind == "model":
            artifacts[kind]["metrics"] = result.measured
        else:
            # Text from the chats is shown only on request.
            artifacts[kind]["report"] = result.measured | {"samples": result.measured["samples"][:samples]}
    return artifacts


def _print(app: App, content: dict[str, Any]) -> None:
    import msgspec

    click.echo(app.redact(msgspec.json.format(msgspec.json.encode(content), indent=1).decode()))
