"""`acc evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from autocakechat.cli.blind import blind_options, check_blind_options, print_results, run_blind_test
from autocakechat.cli.overrides import any_option, set_option
from autocakechat.display.tables import print_json
from autocakechat.errors import UserError
from autocakechat.standard_output import stdout_to_stderr
from autocakechat.text import escape_control_characters

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.evaluation.results import Evaluation, EvaluationSettings, ExampleReplies
    from autocakechat.interface.corpus import Corpus
    from autocakechat.interface.model import TrainedModel

_TITLE_WIDTH = 26
_COLUMN_WIDTH = 12
_EXAMPLES_ON_PAGE = 5
_SAMPLES = 300


@click.command("evaluate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PIPELINE|MODEL]")
@click.option(
    "--corpus",
    "corpus_path",
    type=click.Path(path_type=Path),
    metavar="DIR|PIPELINE",
    help="Corpus to evaluate on; by default the one the model was trained on, if it is found near the model.",
)
@click.option(
    "--samples",
    type=click.IntRange(1),
    help=f"Maximum number of held-out replies, by default {_SAMPLES}.",
)
@click.option(
    "--candidates",
    type=click.IntRange(2, 1000),
    default=10,
    show_default=True,
    help="Number of candidates in the ranking task.",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Random seed.")
@any_option("model")
@set_option(example="reply.temperature=1")
@click.option(
    "--examples",
    type=click.IntRange(0),
    help=f"Number of examples, by default none in the terminal and {_EXAMPLES_ON_PAGE} on the page.",
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@blind_options
@click.pass_obj
def command(
    app: App,
    paths: tuple[Path, ...],
    corpus_path: Path | None,
    samples: int | None,
    candidates: int,
    seed: int,
    accept_any: bool,
    overrides: tuple[str, ...],
    examples: int | None,
    html: Path | None,
    as_json: bool,
    blind: Path | None,
    blind_result: bool,
) -> None:
    """Evaluate a bot: the model that a pipeline.toml made, or a model folder.

    The bot replies in the contexts of held-out dialogs, which it was not trained on. It is compared with the person's
    true replies and two baselines: always the person's most frequent reply, and a random reply of the person.
    """
    from autocakechat.evaluation.results import EvaluationSettings
    from autocakechat.interface.corpus import Corpus

    if blind_result:
        print_results(list(map(str, paths)))
        return
    if len(paths) > 1:
        raise UserError(f"evaluates one bot, not {len(paths)}", "give one pipeline.toml or model folder")
    if blind is not None:
        check_blind_options(blind, {"--html": html, "--json": as_json})
    if html is not None and not html.parent.is_dir():
        raise UserError(f"{html.parent}: no such folder", "create the folder, or give another path")
    with _opened(app, paths[0] if paths else Path("pipeline.toml"), accept_any, overrides, seed) as opened:
        corpus, known = _corpus_of(app, opened, corpus_path)
        if blind is not None:
            run_blind_test(app, opened, corpus, known, blind, samples, seed)
            return
        settings = EvaluationSettings(
            samples=samples or _SAMPLES,
            candidates=candidates,
            seed=seed,
            examples=examples if examples is not None else _EXAMPLES_ON_PAGE if html else 0,
        )
        evaluation = _evaluate(app, opened, Corpus(corpus), settings)
    if not known:
        evaluation.notes.insert(0, "the model may have been trained on these replies; the values may be too good")
    about = {"model": str(opened.path.resolve()), "trainer": opened.trainer, "corpus": str(corpus.resolve())}
    printed = attrs.evolve(evaluation, examples=evaluation.examples[: examples or 0])
    if as_json:
        print_json(about | {"known_to_be_new": known} | attrs.asdict(printed))
    else:
        _print(about, printed)
    if html is not None:
        from autocakechat.display.evaluation_page import evaluation_page
        from autocakechat.display.markup import write_page

        date = opened.created[:10] if opened.created else None
        write_page(html, evaluation_page(evaluation, opened.trainer, opened.person, date))
        app.log.info("wrote %s", html)


@contextmanager
def _opened(app: App, path: Path, accept_any: bool, overrides: tuple[str, ...], seed: int) -> Iterator[TrainedModel]:
    if not path.is_dir():
        runner = app.runner(path, overrides)
        yield runner.open_model(runner.artifact("model", accept_any).path, seed=seed)
        return
    from autocakechat.cli.chat import model_of_folder

    with model_of_folder(app, path, overrides, seed) as (model, _):
        yield model


def _corpus_of(app: App, model: TrainedModel, path: Path | None) -> tuple[Path, bool]:
    """Returns the corpus to evaluate on, and whether the model was trained on its training part."""
    from autocakechat.artifacts.model_folder import corpus_key

    key = corpus_key(model.path)
    return _corpus_at(app, path, key) if path else (_corpus_near(model.path, key), True)


def _corpus_near(model: Path, key: str | None) -> Path:
    from autocakechat.artifacts.store import ArtifactStore

    hint = "give a corpus: --corpus DIR, or --corpus pipeline.toml"
    if key is None:
        raise UserError(f"{model}: the model does not name its corpus", hint)
    for folder in [*model.resolve().parents, Path.cwd()]:
        artifact = ArtifactStore(folder / ".acc").find("corpus", key)
        if artifact is not None:
            return artifact.path
    raise UserError(f"{model}: the corpus it was trained on was not found near it", hint)


def _corpus_at(app: App, path: Path, key: str | None) -> tuple[Path, bool]:
    from autocakechat.artifacts.store import ArtifactStore, read_manifest

    if not path.exists():
        raise UserError(f"{path}: no such file or folder", "give the folder of a corpus, or a pipeline.toml")
    if path.is_dir():
        if not (path / "validation.jsonl").is_file():
            raise UserError(f"{path}: not a corpus (validation.jsonl is missing)", "give a corpus folder of `acc run`")
        manifest = read_manifest(path, "corpus") or {}
        return path, key is not None and manifest.get("key") == key
    artifact = (ArtifactStore.beside(path).find("corpus", key) if key else None) or app.runner(path).artifact("corpus")
    return artifact.path, artifact.key == key


@stdout_to_stderr()
def _evaluate(app: App, model: TrainedModel, corpus: Corpus, settings: EvaluationSettings) -> Evaluation:
    from autocakechat.display.progress import progress_for
    from autocakechat.evaluation.batched_responder import BatchedResponder
    from autocakechat.evaluation.evaluate import evaluate

    progress = progress_for(app.log)
    return evaluate(BatchedResponder(model.load(), progress), corpus, settings, progress)


def _print(about: dict[str, str], evaluation: Evaluation) -> None:
    from rich.console import Console
    from rich.table import Table

    from autocakechat.display.evaluation_table import COLUMNS, metric_groups
    from autocakechat.display.verdict import cautions, verdict

    for name, value in about.items():
        click.echo(f"{name}: {escape_control_characters(value)}")
    click.echo(f"{evaluation.samples:,} of {evaluation.available:,} held-out replies")
    click.echo(f"always same: {escape_control_characters(evaluation.most_frequent_answer)}")
    click.echo("at random: any reply of the person")
    console = Console(highlight=False, markup=False, emoji=False)
    for group in metric_groups(evaluation):
        table = Table(
            box=None, padding=(0, 1), pad_edge=False, title=f"\n{group.title}", title_justify="left", title_style="bold"
        )
        table.add_column(width=_TITLE_WIDTH)
        for title in COLUMNS.values():
            table.add_column(title, justify="right", width=_COLUMN_WIDTH)
        for row in group.rows:
            table.add_row(row.metric.title, *row.cells)
        console.print(table)
    click.echo()
    for finding in verdict(evaluation):
        click.echo(str(finding))
    for caution in cautions(evaluation):
        click.echo(f"note: {escape_control_characters(caution)}")
    for example in evaluation.examples:
        click.echo("")
        for line in _lines(example):
            click.echo(line)


def _lines(example: ExampleReplies) -> Iterator[str]:
    yield from (f"         {escape_control_characters(line)}" for line in example.context)
    yield f"person < {escape_control_characters(example.person)}"
    yield f"   bot < {escape_control_characters(example.bot)}"
