"""Evaluates models on held-out replies of a corpus, which they were not trained on.

All models reply to the same moments. They are compared with the person's true replies and with baselines.
`docs/evaluation.md` explains each metric.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import attrs

from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.comparison import Columns, Measure, Measurements
from autocakechat.evaluation.held_out_examples import EvaluationExample, TrainingReplies, draw_held_out_examples
from autocakechat.evaluation.intervals import Intervals
from autocakechat.evaluation.metric_registry import METRICS
from autocakechat.evaluation.metrics import split_words
from autocakechat.evaluation.model_outputs import ModelOutputs, ModelTest
from autocakechat.evaluation.ranking import baseline_ranks
from autocakechat.evaluation.reply_measures import two_sample
from autocakechat.evaluation.reply_measures.copying import Copying, copied_runs
from autocakechat.evaluation.reply_measures.judge import Judge
from autocakechat.evaluation.reply_measures.meaning import MISSING, RelevanceByMeaning
from autocakechat.evaluation.reply_measures.relevance import Relevance
from autocakechat.evaluation.reply_measures.style_likeness import StyleLikeness
from autocakechat.evaluation.reply_measures.variety import Variety, measure_style
from autocakechat.evaluation.results import Evaluation, EvaluationSettings, ExampleReplies, Measurement, ModelResults
from autocakechat.evaluation.word_rankers import RelevanceJudge
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.run_context import OpenProgress
from autocakechat.retrieval.meaning import Embedder

_DISTINCT_WORDS = 1000
_ONE_REPLY = "the held-out set has only one distinct reply: no ranking"
_FEW_DIALOGS = "the held-out replies are of {} dialogs: the intervals are rough"
_ENOUGH_DIALOGS = 10
_SAME_OTHERS = (
    "the other participants write too much like the person to be 0 on the scale of likeness: 0 is always the same reply"
)

OpenModel = Callable[[], BatchedResponder]
"""Loads a model."""


def evaluate(
    models: Mapping[str, OpenModel],
    corpus: Corpus,
    settings: EvaluationSettings,
    progress: OpenProgress,
    judge: BatchedResponder | None = None,
    embedder: Embedder | None = None,
) -> Evaluation:
    """Evaluates models.

    Args:
        models: The models by name. Only one is in memory at a time, beside the judge.
        corpus: The part "validation" is the held-out set; the baselines use the part "train".
        settings: The settings.
        progress: Opens progress displays.
        judge: A model that judges how well replies fit. It can score.
        embedder: Compares replies and contexts by meaning.

    Returns:
        The results. The same settings give the same results if the models give the same replies.

    Raises:
        UserError: There are no held-out replies.
        PluginError: A model failed.
    """
    rng = random.Random(settings.seed)  # noqa: S311 - not for secrets
    examples, available = draw_held_out_examples(corpus, settings.samples, settings.candidates - 1, rng)
    training = TrainingReplies(corpus, rng, progress)
    word_judge = RelevanceJudge(training.exchanges)
    intervals = Intervals([example.dialog for example in examples], settings.seed)
    outputs = _run(models, examples, training, word_judge, intervals, settings.seed)
    columns = _columns(outputs, examples, training, intervals, rng)
    distinct_words = _distinct_words(columns)
    runs = copied_runs(corpus, columns.texts(), progress)
    measures: list[Measure] = [
        Relevance(examples, word_judge, settings.candidates - 1, rng).measure,
        Copying(training, runs, settings.placeholders).measure,
        Variety(training, distinct_words, settings.seed).measure,
        measure_style,
    ]
    if judge:
        measures.append(Judge(judge, examples, settings.seed).measure)
    if embedder:
        measures.append(
            RelevanceByMeaning(examples, embedder, settings.candidates - 1, settings.seed, progress).measure
        )
    likeness, likeness_notes = _likeness(examples, columns, progress)
    found = _merged([*(columns.compare(measure) for measure in measures), *likeness])
    missing = {metric.key: Measurement() for metric in METRICS}
    return Evaluation(
        samples=len(examples),
        available=available,
        candidates=len(examples[0].candidates) if examples[0].distractors else 0,
        seed=settings.seed,
        distinct_words=distinct_words,
        most_frequent_answer=training.most_frequent,
        models={name: ModelResults(missing | own.measures | found[name], own.notes) for name, own in outputs.items()},
        notes=[*_notes(examples), *([] if embedder else [MISSING]), *likeness_notes],
        examples=list(_examples(examples, outputs, settings.examples)),
    )


def _run(
    models: Mapping[str, OpenModel],
    examples: Sequence[EvaluationExample],
    training: TrainingReplies,
    word_judge: RelevanceJudge,
    intervals: Intervals,
    seed: int,
) -> dict[str, ModelOutputs]:
    """Lets each model reply and rank, one after the other."""
    word_rankers = {"rare_words": word_judge.shared_words, "past_exchanges": word_judge.past_exchanges}
    ranks = baseline_ranks(examples, training.counts, word_rankers) if examples[0].distractors else {}
    test = ModelTest(examples, ranks, training.most_frequent, intervals, seed)
    return {name: test.run(open_model()) for name, open_model in models.items()}


def _columns(
    outputs: Mapping[str, ModelOutputs],
    examples: Sequence[EvaluationExample],
    training: TrainingReplies,
    intervals: Intervals,
    rng: random.Random,
) -> Columns:
    """Returns the replies of the models, the person and the baselines."""
    return Columns(
        models={name: output.replies for name, output in outputs.items()},
        person=[example.reply for example in examples],
        baselines={
            "most_frequent": [training.most_frequent] * len(examples),
            "random": training.draw(len(examples), rng),
        },
        intervals=intervals,
    )


def _likeness(
    examples: Sequence[EvaluationExample], columns: Columns, progress: OpenProgress
) -> tuple[list[Measurements], list[str]]:
    """Compares the style with the person's. Messages of the others are one more baseline.

    Returns:
        The measurements, and notes on them.
    """
    others = [example.context[-1] for example in examples]
    with_others = attrs.evolve(columns, baselines={**columns.baselines, "others": others})
    with progress("comparing styles", total=2) as display:
        likeness = StyleLikeness(examples, columns.baselines["most_frequent"][0], columns.intervals)
        found = [with_others.compare(likeness.measure)]
        notes = [] if likeness.has_distinct_others else [_SAME_OTHERS]
        display.advance()
        if not two_sample.is_available():
            return found, [*notes, two_sample.MISSING]
        test = two_sample.TwoSampleTest(examples)
        own_halves = test.own_halves()
        display.advance()
        told = {
            name: {key: attrs.evolve(measured, person=own_halves) for key, measured in measurements.items()}
            for name, measurements in with_others.compare(test.measure).items()
        }
        return [*found, told], notes


def _merged(found: Iterable[Measurements]) -> dict[str, dict[str, Measurement]]:
    merged: dict[str, dict[str, Measurement]] = defaultdict(dict)
    for measurements in found:
        for name, of_model in measurements.items():
            merged[name] |= of_model
    return merged


def _distinct_words(columns: Columns) -> int:
    """Returns the number of words that all models, the person and the random baseline have."""
    speakers = (*columns.models.values(), columns.person, columns.baselines["random"])
    return min(_DISTINCT_WORDS, *(sum(len(split_words(text)) for text in replies) for replies in speakers))


def _notes(examples: Sequence[EvaluationExample]) -> Iterator[str]:
    dialogs = len({example.dialog for example in examples})
    if not examples[0].distractors:
        yield _ONE_REPLY
    if dialogs < _ENOUGH_DIALOGS:
        yield _FEW_DIALOGS.format(dialogs)


def _examples(
    examples: Sequence[EvaluationExample], outputs: Mapping[str, ModelOutputs], number: int
) -> Iterator[ExampleReplies]:
    """Yields examples at equal distances, so that they are not all from one dialog."""
    lines = max(output.context_lines for output in outputs.values())
    for place in range(min(number, len(examples))):
        index = place * len(examples) // min(number, len(examples))
        replies = {name: output.replies[index] for name, output in outputs.items()}
        yield ExampleReplies(examples[index].context[-lines:], examples[index].reply, replies)
