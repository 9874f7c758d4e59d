"""`acc corpus`."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from autocakechat.errors import UserError
from autocakechat.interface.corpus import Part

if TYPE_CHECKING:
    from autocakechat.cli.app import App

_PIPELINE = click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")


@click.group("corpus")
def command() -> None:
    """Show the corpus, or write it in the form of other programs."""


@command.command("export")
@_PIPELINE
@click.option("--format", "form", type=click.Choice(["cakechat"]), default="cakechat", help="The form to write.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)
@click.option(
    "--part",
    type=click.Choice(["all", *get_args(Part)]),
    default="all",
    help="What to write: one part, or both, the one for training first.",
)
@click.pass_obj
def export(app: App, pipeline: Path, form: str, output: Path, part: Literal["all"] | Part) -> None:
    """Write the newest corpus of PIPELINE into one file, which is replaced if it is there.

    The form `cakechat` is a text file with a dialog on each line, a JSON list of {"text": ..., "condition": ...}.
    """
    corpus = _newest(pipeline)
    parts: tuple[Part, ...] = get_args(Part) if part == "all" else (part,)
    try:
        _write([corpus / f"{name}.jsonl" for name in parts], output)
    except OSError as error:
        raise UserError(f"{error.filename or output}: {error.strerror}", "nothing was written") from None
    app.log.info("corpus: written to %s", output)


@command.command("report")
@_PIPELINE
@click.option("--samples", type=click.IntRange(0, 20), default=0, help="How many sample pairs to show.")
@click.option("--json", "as_json", is_flag=True, help="Print report.json.")
@click.pass_obj
def report(app: App, pipeline: Path, samples: int, as_json: bool) -> None:
    """Show what was read, kept and dropped for the newest corpus of PIPELINE, and why."""
    from autocakechat.corpus.report import Report
    from autocakechat.display.report_text import render

    found = Report.from_json((_newest(pipeline) / "report.json").read_bytes())
    click.echo(found.to_json().decode() if as_json else render(found, samples), nl=not as_json)


def _newest(pipeline: Path) -> Path:
    from autocakechat.artifacts.store import newest_corpus

    if not pipeline.is_file():
        raise UserError(f"{pipeline}: no such file", "give the path of a pipeline.toml")
    return newest_corpus(pipeline).path


def _write(parts: list[Path], output: Path) -> None:
    """Writes files one after the other into one, which stands there whole or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                with part.open("rb") as lines:
                    shutil.copyfileobj(lines, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
