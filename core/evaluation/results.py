"""The settings and the results of an evaluation. Field names are JSON keys of `acc evaluate --json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from autocakechat.evaluation.intervals import Interval

FORM = 2


@attrs.frozen(kw_only=True)
class EvaluationSettings:
    """The settings of an evaluation.

    Attributes:
        samples: The most held-out replies to evaluate.
        candidates: The number of candidates in the ranking tasks, the true one included.
        seed: The seed of everything random.
        examples: The number of examples to include in the results.
        placeholders: The texts that replace masked text in the corpus.
    """

    samples: int = 300
    candidates: int = 10
    seed: int = 42
    examples: int = 0
    placeholders: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class Measurement:
    """The values of one metric. None where the metric is undefined or does not apply.

    Attributes:
        value: The model's value.
        low: The lower end of its 95 % confidence interval.
        high: The upper end.
        person: The value of the person's true replies.
        baselines: The values of the baselines, by the keys in `metric.BASELINES`.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    person: float | None = None
    baselines: Mapping[str, float | None] = attrs.field(factory=dict)

    @classmethod
    def of(
        cls, interval: Interval, person: float | None = None, baselines: Mapping[str, float | None] | None = None
    ) -> Measurement:
        """Makes a measurement from the model's value with its interval."""
        return cls(value=interval.value, low=interval.low, high=interval.high, person=person, baselines=baselines or {})


@attrs.frozen
class ExampleReplies:
    """A context with the person's reply and those of the models.

    Attributes:
        context: The turns before the reply, oldest first.
        person: The person's reply.
        replies: The reply of each model.
    """

    context: Sequence[str]
    person: str
    replies: Mapping[str, str]


@attrs.frozen
class ModelResults:
    """The results of one model.

    Attributes:
        measures: The values by metric key.
        notes: Remarks on how to read the values.
    """

    measures: Mapping[str, Measurement]
    notes: list[str]


@attrs.frozen(kw_only=True)
class Evaluation:
    """The results of an evaluation.

    Attributes:
        form: The version of this form.
        samples: The number of evaluated replies.
        available: The number of held-out replies.
        candidates: The number of candidates in the ranking tasks; 0 if there was no ranking.
        seed: The seed.
        distinct_words: The number of words that distinct-n was computed on.
        most_frequent_answer: The person's most frequent reply.
        models: The results of each model.
        notes: Remarks on how to read the values of all models.
        examples: Examples, if requested.
    """

    form: int = FORM
    samples: int
    available: int
    candidates: int
    seed: int
    distinct_words: int
    most_frequent_answer: str
    models: Mapping[str, ModelResults]
    notes: list[str]
    examples: list[ExampleReplies]

    def with_results(self, name: str, more: ModelResults) -> Evaluation:
        """Returns the evaluation with more measures and notes of a model."""
        own = self.models[name]
        merged = ModelResults({**own.measures, **more.measures}, [*own.notes, *more.notes])
        return attrs.evolve(self, models={**self.models, name: merged})
