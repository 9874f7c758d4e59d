"""`acc evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat.errors import UserError
from autocakechat.text import escape_control_characters

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.evaluation.evaluate import Evaluation, EvaluationSettings, Example
    from autocakechat.interface.corpus import Corpus
    from autocakechat.interface.model import TrainedModel

_TITLE_WIDTH = 26
_COLUMN_WIDTH = 12


@click.command("evaluate")
@click.argument("model", type=click.Path(path_type=Path), default="pipeline.toml", metavar="[PIPELINE|MODEL]")
@click.option(
    "--corpus",
    "place",
    type=click.Path(path_type=Path),
    metavar="DIR|PIPELINE",
    help="What to measure with; by default the corpus that the model learnt from, if it is near.",
)
@click.option(
    "--samples", type=click.IntRange(1), default=300, show_default=True, help="How many answers to look at, at most."
)
@click.option(
    "--candidates",
    type=click.IntRange(2, 1000),
    default=10,
    show_default=True,
    help="Among how many answers the true one is to be found.",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Of everything random.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set an option, such as reply.temperature=1."
)
@click.option(
    "--examples", type=click.IntRange(0), default=0, help="Show what was said at so many of the moments looked at."
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    app: App,
    model: Path,
    place: Path | None,
    samples: int,
    candidates: int,
    seed: int,
    overrides: tuple[str, ...],
    examples: int,
    html: Path | None,
    as_json: bool,
) -> None:
    """Measure a bot: the newest model of a pipeline.toml, or a model folder.

    The bot answers where the person answered, in the dialogs of the corpus that were kept apart from training. The
    figures stand beside those of the person, of a bot that always gives the most frequent answer, and of one that
    gives a random answer of the person.
    """
    from autocakechat.evaluation.evaluate import EvaluationSettings
    from autocakechat.interface.corpus import Corpus

    if html is not None and not html.parent.is_dir():
        raise UserError(f"{html.parent}: no such folder", "make it first: the page is to go there")
    with _opened(app, model, overrides, seed) as opened:
        corpus, known = _corpus_of(opened, place)
        settings = EvaluationSettings(samples=samples, candidates=candidates, seed=seed, examples=examples)
        evaluation = _evaluate(app, opened, Corpus(corpus), settings)
    if not known:
        evaluation.notes.insert(0, "the model may have learnt from these very answers, and then it looks too good")
    about = {"model": str(opened.path.resolve()), "trainer": opened.trainer, "corpus": str(corpus.resolve())}
    if as_json:
        _print_json(about | {"known_to_be_new": known}, evaluation)
    else:
        _print(about, evaluation)
    if html is not None:
        from autocakechat.display.evaluation_page import evaluation_page
        from autocakechat.display.markup import write_page

        write_page(html, evaluation_page(evaluation, list(about.items())))
        app.log.info("written to %s", html)


@contextmanager
def _opened(app: App, path: Path, overrides: tuple[str, ...], seed: int) -> Iterator[TrainedModel]:
    if not path.is_dir():
        yield app.runner(path, overrides).model(seed=seed)
        return
    from autocakechat.cli.chat import model_of_folder

    with model_of_folder(app, path, overrides, seed) as (model, _):
        yield model


def _corpus_of(model: TrainedModel, place: Path | None) -> tuple[Path, bool]:
    """Finds the corpus to measure with; tells whether it is the one that the model learnt from."""
    from autocakechat.artifacts.model_folder import corpus_key

    key = corpus_key(model.path)
    return _given_corpus(place, key) if place else (_near_corpus(model.path, key), True)


def _near_corpus(model: Path, key: str | None) -> Path:
    from autocakechat.artifacts.store import ArtifactStore

    near = [*model.resolve().parents, Path.cwd()]
    found = (ArtifactStore(folder / ".acc").find("corpus", key) for folder in near) if key else iter(())
    artifact = next(filter(None, found), None)
    if artifact is None:
        why = "the corpus that it learnt from is not near it" if key else "it does not tell what it learnt from"
        raise UserError(f"{model}: {why}", "give a corpus: --corpus DIR, or --corpus pipeline.toml")
    return artifact.path


def _given_corpus(place: Path, key: str | None) -> tuple[Path, bool]:
    from autocakechat.artifacts.store import ArtifactStore, newest_corpus, read_manifest

    if not place.exists():
        raise UserError(f"{place}: no such file or folder", "give the folder of a corpus, or a pipeline.toml")
    if place.is_dir():
        if not (place / "validation.jsonl").is_file():
            raise UserError(f"{place}: no corpus (it has no validation.jsonl)", "give a folder that `acc run` made")
        manifest = read_manifest(place, "corpus") or {}
        return place, key is not None and manifest.get("key") == key
    artifact = (ArtifactStore.beside(place).find("corpus", key) if key else None) or newest_corpus(place)
    return artifact.path, artifact.key == key


def _evaluate(app: App, model: TrainedModel, corpus: Corpus, settings: EvaluationSettings) -> Evaluation:
    from autocakechat.display.progress import progress_for
    from autocakechat.evaluation.batched_responder import BatchedResponder
    from autocakechat.evaluation.evaluate import evaluate

    progress = progress_for(app.log)
    manager = app.manager()
    owner = manager.owner(manager.find("trainer", model.trainer))
    return evaluate(BatchedResponder(model.load(), owner, app.log, progress), corpus, settings, progress)


def _print_json(about: dict[str, object], evaluation: Evaluation) -> None:
    import attrs
    import msgspec

    content = about | attrs.asdict(evaluation)
    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=1).decode("utf-8", "replace"))


def _print(about: dict[str, str], evaluation: Evaluation) -> None:
    from rich.console import Console
    from rich.table import Table

    from autocakechat.display.evaluation_table import COLUMNS, groups

    for name, value in about.items():
        click.echo(f"{name}: {escape_control_characters(value)}")
    click.echo(f"{evaluation.samples:,} of {evaluation.available:,} answers kept apart from training")
    click.echo(f"always same: {escape_control_characters(evaluation.most_frequent_answer)}")
    click.echo("at random: any answer of the person")
    console = Console(highlight=False, markup=False, emoji=False)
    for group in groups(evaluation):
        table = Table(
            box=None, padding=(0, 1), pad_edge=False, title=f"\n{group.title}", title_justify="left", title_style="bold"
        )
        table.add_column(width=_TITLE_WIDTH)
        for title in COLUMNS.values():
            table.add_column(title, justify="right", width=_COLUMN_WIDTH)
        for row in group.rows:
            table.add_row(row.title, *row.cells)
        console.print(table)
    click.echo()
    for note in evaluation.notes:
        click.echo(f"note: {escape_control_characters(note)}")
    for example in evaluation.examples:
        click.echo("")
        for line in _lines(example):
            click.echo(line)


def _lines(example: Example) -> Iterator[str]:
    yield from (f"         {escape_control_characters(line)}" for line in example.context)
    yield f"person < {escape_control_characters(example.person)}"
    yield f"   bot < {escape_control_characters(example.bot)}"
