"""The settings and the results of an evaluation. Field names are JSON keys of `acc evaluate --json`."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

FORM = 1


@attrs.frozen(kw_only=True)
class EvaluationSettings:
    """The settings of an evaluation.

    Attributes:
        samples: The most held-out replies to evaluate.
        candidates: The number of candidates in the ranking task, the true reply included.
        seed: The seed of everything random.
        examples: The number of examples to include in the results.
    """

    samples: int = 300
    candidates: int = 10
    seed: int = 42
    examples: int = 0


@attrs.frozen(kw_only=True)
class Measurement:
    """The values of one metric. None where the metric is undefined or does not apply.

    Attributes:
        bot: The model.
        person: The person's true replies.
        most_frequent: A baseline that always gives the person's most frequent reply.
        random: A baseline that gives random replies of the person.
    """

    bot: float | None = None
    person: float | None = None
    most_frequent: float | None = None
    random: float | None = None


@attrs.frozen
class ExampleReplies:
    """A context with the person's reply and the bot's.

    Attributes:
        context: The turns before the reply, oldest first.
        person: The person's reply.
        bot: The bot's reply.
    """

    context: Sequence[str]
    person: str
    bot: str


@attrs.frozen(kw_only=True)
class Evaluation:
    """The results of an evaluation.

    Attributes:
        form: The version of this form.
        samples: The number of evaluated replies.
        available: The number of held-out replies.
        candidates: The number of candidates in the ranking task; 0 if there was no ranking.
        seed: The seed.
        distinct_words: The number of words that distinct-n was computed on.
        most_frequent_answer: The person's most frequent reply.
        measures: The values by metric key.
        margins: For metrics that are means over replies, half the width of the 95 % confidence interval, by metric key.
        notes: Remarks on how to read the values.
        examples: Examples, if requested.
    """

    form: int = FORM
    samples: int
    available: int
    candidates: int
    seed: int
    distinct_words: int
    most_frequent_answer: str
    measures: dict[str, Measurement]
    margins: dict[str, Measurement]
    notes: list[str]
    examples: list[ExampleReplies]
