"""`acc evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from os.path import abspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autocakechat.cli.blind import blind_options, check_blind_options, print_results, run_blind_test
from autocakechat.cli.overrides import any_option, set_option
from autocakechat.display.tables import print_json
from autocakechat.errors import UserError
from autocakechat.evaluation.metric_registry import GROUP_TITLES, METRICS
from autocakechat.standard_output import stdout_to_stderr

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.evaluation.batched_responder import BatchedResponder
    from autocakechat.evaluation.results import Evaluation, EvaluationSettings
    from autocakechat.interface.corpus import Corpus
    from autocakechat.interface.model import TrainedModel

_SAMPLES = 300
_EXAMPLES_ON_PAGE = 20
_MAYBE_KNOWN = "the model may have been trained on these replies; the values may be too good"


def _metrics() -> str:
    """Returns the metrics for the help text."""
    groups = [
        f"{title}: " + "; ".join(metric.title for metric in METRICS if metric.group == group)
        for group, title in GROUP_TITLES.items()
    ]
    return "\n\n".join(["Metrics:", *groups])


@click.command("evaluate", epilog=_metrics())
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PIPELINE|MODEL]...")
@click.option(
    "--corpus",
    "corpus_path",
    type=click.Path(path_type=Path),
    metavar="DIR|PIPELINE",
    help="Corpus to evaluate on; by default the one the first model was trained on, if it is found near the model.",
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
    help="Number of candidates in the ranking tasks.",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Random seed.")
@click.option(
    "--judge",
    type=click.Path(path_type=Path),
    metavar="PIPELINE|MODEL",
    help="A model that judges how well the replies fit. Its trainer must be able to score replies.",
)
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
    judge: Path | None,
    accept_any: bool,
    overrides: tuple[str, ...],
    examples: int | None,
    html: Path | None,
    as_json: bool,
    blind: Path | None,
    blind_result: bool,
) -> None:
    """Evaluate bots: models that a pipeline.toml made, or model folders.

    Each bot replies in the contexts of held-out dialogs, which it was not trained on. It is compared with the person's
    true replies and with baselines. Several bots reply in the same contexts: acc evaluate A.toml B.toml model/
    """
    import attrs

    from autocakechat.corpus.masking.masker import PLACEHOLDERS
    from autocakechat.evaluation.results import EvaluationSettings
    from autocakechat.interface.corpus import Corpus

    if blind_result:
        print_results(list(map(str, paths)))
        return
    if blind is not None:
        check_blind_options(
            blind, {"--html": html, "--json": as_json, "--judge": judge, "several bots": len(paths) > 1}
        )
    if html is not None and not html.parent.is_dir():
        raise UserError(f"{html.parent}: no such folder", "create the folder, or give another path")
    names = _names(paths or (Path("pipeline.toml"),))
    settings = EvaluationSettings(
        samples=samples or _SAMPLES,
        candidates=candidates,
        seed=seed,
        examples=examples if examples is not None else _EXAMPLES_ON_PAGE if html else 0,
        placeholders=list(PLACEHOLDERS.values()),
    )
    with ExitStack() as stack:
        models = {name: _open(app, path, accept_any, overrides, seed, stack) for name, path in names.items()}
        judge_model = _open(app, judge, accept_any, (), seed, stack) if judge else None
        corpus, key = _corpus_of(app, next(iter(models.values())), corpus_path)
        known = {name: key is not None and _key(model) == key for name, model in models.items()}
        if blind is not None:
            (model,), (is_known,) = models.values(), known.values()
            run_blind_test(app, model, corpus, is_known, blind, samples, seed)
            return
        evaluation = _evaluate(app, models, judge_model, Corpus(corpus), settings)
    for name, is_known in known.items():
        if not is_known:
            evaluation.models[name].notes.insert(0, _MAYBE_KNOWN)
    printed = attrs.evolve(evaluation, examples=evaluation.examples[: examples or 0])
    if as_json:
        print_json(_content(models, corpus, known, printed))
    else:
        from autocakechat.display.evaluation_text import print_evaluation

        print_evaluation(printed, _about(models, corpus))
    if html is not None:
        from autocakechat.display.evaluation_page import evaluation_page
        from autocakechat.display.markup import write_page

        write_page(html, evaluation_page(evaluation, list(_about_page(models))))
        app.log.info("wrote %s", html)


def _names(paths: Sequence[Path]) -> dict[str, Path]:
    """Returns the paths by the names of their models: file or folder names, or the paths if these are not unique."""
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise UserError(f"{twice} is given twice", "give each pipeline.toml or model folder once")
    short = [path.stem if path.suffix == ".toml" else Path(abspath(path)).name for path in paths]
    return dict(zip(short if len(set(short)) == len(short) else map(str, paths), paths, strict=True))


def _open(
    app: App, path: Path, accept_any: bool, overrides: tuple[str, ...], seed: int, stack: ExitStack
) -> TrainedModel:
    if not path.is_dir():
        runner = app.runner(path, overrides)
        return runner.open_model(runner.artifact("model", accept_any).path, seed=seed)
    from autocakechat.cli.chat import model_of_folder

    model, _ = stack.enter_context(model_of_folder(app, path, overrides, seed))
    return model


def _key(model: TrainedModel) -> str | None:
    """Returns the key of the corpus that a model was trained on."""
    from autocakechat.artifacts.model_folder import corpus_key

    return corpus_key(model.path)


def _corpus_of(app: App, model: TrainedModel, path: Path | None) -> tuple[Path, str | None]:
    """Returns the corpus to evaluate on, and its key if it is known."""
    key = _key(model)
    return _corpus_at(app, path, key) if path else (_corpus_near(model.path, key), key)


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


def _corpus_at(app: App, path: Path, key: str | None) -> tuple[Path, str | None]:
    from autocakechat.artifacts.store import ArtifactStore, read_manifest

    if not path.exists():
        raise UserError(f"{path}: no such file or folder", "give the folder of a corpus, or a pipeline.toml")
    if path.is_dir():
        if not (path / "validation.jsonl").is_file():
            raise UserError(f"{path}: not a corpus (validation.jsonl is missing)", "give a corpus folder of `acc run`")
        manifest = read_manifest(path, "corpus") or {}
        return path, manifest.get("key")
    artifact = (ArtifactStore.beside(path).find("corpus", key) if key else None) or app.runner(path).artifact("corpus")
    return artifact.path, artifact.key


@stdout_to_stderr()
def _evaluate(
    app: App,
    models: Mapping[str, TrainedModel],
    judge: TrainedModel | None,
    corpus: Corpus,
    settings: EvaluationSettings,
) -> Evaluation:
    from autocakechat.display.progress import progress_for
    from autocakechat.evaluation.batched_responder import BatchedResponder
    from autocakechat.evaluation.evaluate import evaluate

    progress = progress_for(app.log)

    def load(model: TrainedModel) -> BatchedResponder:
        return BatchedResponder(model.load(), progress)

    judge_responder = load(judge) if judge else None
    if judge and judge_responder and not judge_responder.can_score:
        raise UserError(
            f"{judge.path}: the trainer {judge.trainer} cannot score replies",
            "give --judge a model of another trainer, such as cakechat",
        )
    loaders = {name: partial(load, model) for name, model in models.items()}
    return evaluate(loaders, corpus, settings, progress, judge_responder)


def _about(models: Mapping[str, TrainedModel], corpus: Path) -> list[tuple[str, str]]:
    """Returns names and values that identify the models and the corpus."""
    titles = dict.fromkeys(models, "model") if len(models) == 1 else {name: name for name in models}
    found = [(titles[name], f"{model.path.resolve()} (trainer {model.trainer})") for name, model in models.items()]
    return [*found, ("corpus", str(corpus.resolve()))]


def _about_page(models: Mapping[str, TrainedModel]) -> Iterator[str | None]:
    """Yields what identifies the models on a page that others may see: no paths."""
    yield from dict.fromkeys(model.person for model in models.values())
    for name, model in models.items():
        prefix = f"{name}: " if len(models) > 1 else ""
        yield f"{prefix}trainer {model.trainer}"
        yield model.created and f"trained on {model.created[:10]}"


def _content(
    models: Mapping[str, TrainedModel], corpus: Path, known: Mapping[str, bool], evaluation: Evaluation
) -> dict[str, Any]:
    """Returns the content of the JSON output."""
    import attrs

    content: dict[str, Any] = {"corpus": str(corpus.resolve())} | attrs.asdict(evaluation)
    content["models"] = {
        name: {"model": str(model.path.resolve()), "trainer": model.trainer, "known_to_be_new": known[name]}
        | content["models"][name]
        for name, model in models.items()
    }
    return content
