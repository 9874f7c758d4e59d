"""`acc corpus`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from autocakechat.cli.lazy import CommandGroup
from autocakechat.cli.overrides import any_option, set_option
from autocakechat.corpus.encoder import DialogEncoder
from autocakechat.errors import UserError
from autocakechat.files import writing_whole
from autocakechat.interface.corpus import Corpus, Part

if TYPE_CHECKING:
    from autocakechat.cli.app import App

_PIPELINE = click.argument("pipeline", type=click.Path(path_type=Path), default="pipeline.toml")


@click.group("corpus", cls=CommandGroup)
def command() -> None:
    """Show the corpus report, or export the corpus for other programs."""


@command.command("export")
@_PIPELINE
@any_option("corpus")
@set_option(example="extractor.server=user123456789")
@click.option(
    "--format", "output_format", type=click.Choice(["cakechat"]), default="cakechat", help="The format to write."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)
@click.option(
    "--part",
    type=click.Choice(["all", *get_args(Part)]),
    default="all",
    help="The part to write; all: the training part, then the validation part.",
)
@click.pass_obj
def export(
    app: App,
    pipeline: Path,
    accept_any: bool,
    overrides: tuple[str, ...],
    output_format: str,
    output: Path,
    part: Literal["all"] | Part,
) -> None:
    """Write the corpus of PIPELINE to one file; an existing file is replaced.

    The format `cakechat` is a text file with one dialog per line: a JSON list of {"text": ..., "condition": ...}.
    """
    corpus = app.runner(pipeline, overrides).artifact("corpus", accept_any).path
    parts: tuple[Part, ...] = get_args(Part) if part == "all" else (part,)
    try:
        _write_dialogs(Corpus(corpus), parts, output)
    except OSError as error:
        raise UserError(f"{output}: {error.strerror}", "nothing was written") from None
    app.log.info("corpus: exported to %s", output)


@command.command("report")
@_PIPELINE
@any_option("corpus")
@set_option(example="extractor.server=user123456789")
@click.option("--samples", type=click.IntRange(0, 20), default=0, help="Show this many sample pairs.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def report(app: App, pipeline: Path, accept_any: bool, overrides: tuple[str, ...], samples: int, as_json: bool) -> None:
    """Show the report of the corpus of PIPELINE: messages read, kept and dropped, with the reasons."""
    from autocakechat.corpus.report import Report
    from autocakechat.display.report_text import render

    corpus = app.runner(pipeline, overrides).artifact("corpus", accept_any).path
    content = Report.from_json((corpus / "report.json").read_bytes())
    if as_json:
        click.echo(content.to_json().decode(), nl=False)
    else:
        click.echo(render(content, samples))


def _write_dialogs(corpus: Corpus, parts: Sequence[Part], output: Path) -> None:
    """Writes the dialogs without their origins. If that fails, the old output file is unchanged."""
    encode = DialogEncoder()
    with writing_whole(output) as file:
        for part in parts:
            for dialog in corpus.dialogs(part):
                line, _ = encode(dialog)
                file.write(line + b"\n")
