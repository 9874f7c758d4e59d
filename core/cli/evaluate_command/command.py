"""`acc evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autocakechat.cli.evaluate_command.blind import blind_options, check_blind_options, print_results, run_blind_test
from autocakechat.cli.evaluate_command.bots import corpus_of, names_of, open_bot
from autocakechat.cli.evaluate_command.canaries import canaries_option, check_canaries, run_canaries
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
    metavar="N",
    help=f"Maximum number of held-out replies, by default {_SAMPLES}.",
)
@click.option(
    "--candidates",
    type=click.IntRange(2, 1000),
    default=10,
    show_default=True,
    metavar="N",
    help="Number of candidates in the ranking tasks.",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, metavar="N", help="Random seed.")
@click.option(
    "--judge",
    type=click.Path(path_type=Path),
    metavar="PIPELINE|MODEL",
    help="A model that judges how well the replies fit. Its trainer must be able to score replies.",
)
@canaries_option
@any_option("model")
@set_option(example="reply.temperature=1")
@click.option(
    "--examples",
    type=click.IntRange(0),
    metavar="N",
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
    canaries: int | None,
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

    from autocakechat.artifacts.model_folder import corpus_key
    from autocakechat.corpus.masking.masker import PLACEHOLDERS
    from autocakechat.evaluation.results import EvaluationSettings
    from autocakechat.interface.corpus import Corpus

    if blind_result:
        print_results(list(map(str, paths)))
        return
    if blind is not None:
        others = {"--html": html, "--json": as_json, "--judge": judge, "--canaries": canaries}
        check_blind_options(blind, others | {"a second bot": len(paths) > 1})
    if html is not None and not html.parent.is_dir():
        raise UserError(f"{html.parent}: no such folder", "create the folder, or give another path")
    names = names_of(paths or (Path("pipeline.toml"),))
    if canaries:
        check_canaries(names.values())
    settings = EvaluationSettings(
        samples=samples or _SAMPLES,
        candidates=candidates,
        seed=seed,
        examples=examples if examples is not None else _EXAMPLES_ON_PAGE if html else 0,
        placeholders=list(PLACEHOLDERS.values()),
    )
    with ExitStack() as stack:
        models = {name: open_bot(app, path, accept_any, overrides, seed, stack) for name, path in names.items()}
        judge_model = open_bot(app, judge, accept_any, (), seed, stack) if judge else None
        corpus, key = corpus_of(app, next(iter(models.values())), corpus_path)
        known = {name: key is not None and corpus_key(model.path) == key for name, model in models.items()}
        if blind is not None:
            (model,), (is_known,) = models.values(), known.values()
            run_blind_test(app, model, corpus, is_known, blind, samples, seed)
            return
        evaluation = _evaluate(app, models, judge_model, Corpus(corpus), settings)
    if canaries:
        evaluation = run_canaries(app, names, overrides, corpus, evaluation, canaries)
    for name, is_known in known.items():
        if not is_known:
            evaluation.models[name].notes.insert(0, _MAYBE_KNOWN)
    _print(models, corpus, known, attrs.evolve(evaluation, examples=evaluation.examples[: examples or 0]), as_json)
    if html is not None:
        from autocakechat.display.evaluation_page import evaluation_page
        from autocakechat.display.markup import write_page

        write_page(html, evaluation_page(evaluation, list(_about_page(models))))
        app.log.info("wrote %s", html)


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
    from autocakechat.retrieval.meaning import installed_embedder

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
    return evaluate(loaders, corpus, settings, progress, judge_responder, installed_embedder())


def _print(
    models: Mapping[str, TrainedModel], corpus: Path, known: Mapping[str, bool], evaluation: Evaluation, as_json: bool
) -> None:
    if as_json:
        print_json(_content(models, corpus, known, evaluation))
        return
    from autocakechat.display.evaluation_text import print_evaluation

    print_evaluation(evaluation, _about(models, corpus))


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
