"""Measures a bot: lets it answer, and score answers, at moments of a corpus that it has not learnt from.

Beside it stand the person, a bot that always gives the person's most frequent answer, and one that gives any answer of
the person's. `docs/evaluation.md` tells what each measure means.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

import attrs

from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.metrics import Rank, distinct, mean, mean_perplexity, perplexity, standard_error, words
from autocakechat.evaluation.test_set import EvaluationExample, TrainingReplies, held_out_moments
from autocakechat.evaluation.writing_style import StyleMetrics, habits_of
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.model import Request, Score
from autocakechat.interface.run_context import OpenProgress
from autocakechat.interface.session import Session

FORM = 1
RECALLS = (1, 2, 5)
_DISTINCT_WORDS = 1000


@attrs.frozen(kw_only=True)
class EvaluationSettings:
    """What to measure.

    Attributes:
        samples: How many moments, at most.
        candidates: Among how many answers the true one is to be found.
        seed: Of everything random.
        examples: How many moments to show.
    """

    samples: int = 300
    candidates: int = 10
    seed: int = 42
    examples: int = 0


@attrs.frozen(kw_only=True)
class Measured:
    """One measure of all that is compared. None where it does not apply or cannot be told.

    Attributes:
        bot: The model.
        person: What the person really said.
        most_frequent: The person's most frequent answer, always.
        random: Any answer of the person.
    """

    bot: float | None = None
    person: float | None = None
    most_frequent: float | None = None
    random: float | None = None


@attrs.frozen
class Example:
    """A moment, and what was said.

    Attributes:
        context: What was said before, oldest first.
        person: What the person said.
        bot: What the bot said.
    """

    context: Sequence[str]
    person: str
    bot: str


@attrs.frozen(kw_only=True)
class Evaluation:
    """What came out.

    Attributes:
        form: Version of this form.
        samples: How many moments were looked at.
        available: How many there are.
        candidates: Among how many answers the true one was to be found; 0 if that was not measured.
        seed: The seed.
        distinct_words: How many words distinct-n was measured at.
        most_frequent_answer: What the person says most often.
        measures: By name.
        notes: What to know when reading them.
        examples: Moments, if asked for.
    """

    form: int = FORM
    samples: int
    available: int
    candidates: int
    seed: int
    distinct_words: int
    most_frequent_answer: str
    measures: dict[str, Measured]
    notes: list[str]
    examples: list[Example]


@attrs.frozen
class _Scored:
    """Scores of what could be said at a moment."""

    true: Score
    reply: Score
    most_frequent: Score
    others: list[Score]


def evaluate(
    asked: BatchedResponder, corpus: Corpus, settings: EvaluationSettings, progress: OpenProgress
) -> Evaluation:
    """Measures a bot.

    Args:
        asked: The bot.
        corpus: What it is measured with: the part "validation"; the baselines come from the part "train".
        settings: What to measure.
        progress: Opens progress displays.

    Returns:
        The measures. The same settings give the same ones, if the bot gives the same answers.

    Raises:
        UserError: There is nothing to measure with.
        PluginError: The bot failed.
    """
    chance = random.Random(settings.seed)  # noqa: S311 - no secrets
    moments, available = held_out_moments(
        corpus, settings.samples, settings.candidates - 1, asked.context_lines, chance
    )
    person = TrainingReplies(corpus, progress)
    requests = [_request(moment, asked.labels) for moment in moments]
    replies = asked.replies(requests)
    said = {
        "bot": replies,
        "person": [moment.answer for moment in moments],
        "most_frequent": [person.most_frequent] * len(moments),
        "random": person.random_answers(len(moments), chance),
    }
    if asked.can_score:
        scores = _scores(asked, requests, moments, replies, person.most_frequent)
        scored, notes = _likelihood(scores) | _ranking(scores, moments, person), _reading(scores)
    else:
        scored = dict.fromkeys(("perplexity", "mean_perplexity", *_RANKED), Measured())
        notes = ["the trainer of this model cannot tell how likely an answer is: no perplexity, no ranking"]
    spoken = {speaker: [words(text) for text in texts] for speaker, texts in said.items()}
    size = min(_DISTINCT_WORDS, *(sum(map(len, spoken[speaker])) for speaker in ("bot", "person", "random")))
    examples = map(Example, [moment.context for moment in moments], said["person"], replies)
    return Evaluation(
        samples=len(moments),
        available=available,
        candidates=1 + len(moments[0].others) if asked.can_score and moments[0].others else 0,
        seed=settings.seed,
        distinct_words=size,
        most_frequent_answer=person.most_frequent,
        measures=scored | _vocabulary(spoken, size, person, settings.seed) | _habits(said),
        notes=notes,
        examples=list(examples)[: settings.examples],
    )


_RANKED = ("mean_average_precision", *(f"recall_at_{k}" for k in RECALLS))


def _request(moment: EvaluationExample, labels: Sequence[str]) -> Request:
    return Request(moment.context, moment.emotion if moment.emotion in labels else Session.usual_mood(labels))


def _scores(
    asked: BatchedResponder,
    requests: Sequence[Request],
    moments: Sequence[EvaluationExample],
    replies: Sequence[str],
    most_frequent: str,
) -> list[_Scored]:
    answers = [
        [moment.answer, reply, most_frequent, *moment.others] for moment, reply in zip(moments, replies, strict=True)
    ]
    return [
        _Scored(true, reply, frequent, others) for true, reply, frequent, *others in asked.scores(requests, answers)
    ]


def _likelihood(scores: Sequence[_Scored]) -> dict[str, Measured]:
    """Measures how likely the model finds what each one says. Of the true answers, that is the model's perplexity.

    The random answers are held out, too: those it has learnt would be likely wherever they stand.
    """

    def measured(measure: Callable[[Sequence[Score]], float | None]) -> Measured:
        return Measured(
            bot=measure([each.reply for each in scores]),
            person=measure([each.true for each in scores]),
            most_frequent=measure([each.most_frequent for each in scores]),
            random=measure([each.others[0] for each in scores if each.others]),
        )

    return {"perplexity": measured(perplexity), "mean_perplexity": measured(mean_perplexity)}


def _ranking(
    scores: Sequence[_Scored], moments: Sequence[EvaluationExample], person: TrainingReplies
) -> dict[str, Measured]:
    """Measures how well the true answer is found among others: by the model, by frequency, and by chance."""
    if not moments[0].others:
        return dict.fromkeys(_RANKED, Measured())
    found = _ranks(scores)
    counts = [[person.counts[text] for text in (moment.answer, *moment.others)] for moment in moments]
    by_frequency = list(map(Rank.of_first, counts))
    by_chance = [Rank(0, 1 + len(moment.others)) for moment in moments]

    def measured(measure: Callable[[Rank], float]) -> Measured:
        bot, most_frequent, chance = (mean(map(measure, ranks)) for ranks in (found, by_frequency, by_chance))
        return Measured(bot=bot, most_frequent=most_frequent, random=chance)

    measures: list[Callable[[Rank], float]] = [lambda rank: rank.average_precision]
    measures += [partial(Rank.recall, k=k) for k in RECALLS]
    return {name: measured(measure) for name, measure in zip(_RANKED, measures, strict=True)}


def _ranks(scores: Sequence[_Scored]) -> list[Rank]:
    return [Rank.of_first([score.log_p for score in (each.true, *each.others)]) for each in scores]


def _reading(scores: Sequence[_Scored]) -> list[str]:
    """Tells how far the ranking can be trusted."""
    if not scores[0].others:
        return ["the person gave one answer only in what is held out: no ranking"]
    precisions = [rank.average_precision for rank in _ranks(scores)]
    error = standard_error(precisions)
    if error is None:
        return []
    by_chance = Rank(0, 1 + len(scores[0].others)).average_precision
    margin = f"mean average precision is known to about ±{2 * error:.3f}"
    if sum(precisions) / len(precisions) - by_chance > 2 * error:
        return [margin]
    return [f"{margin}: no better than chance, so the bot hardly heeds what was said before"]


def _vocabulary(
    spoken: dict[str, list[list[str]]], size: int, person: TrainingReplies, seed: int
) -> dict[str, Measured]:
    """Measures how many different things each one says, and how much the words are the person's."""
    measures = {"lexical_similarity": _each(spoken, person.lexicon.similarity)}
    # Who always says the same can go on for as long as it takes.
    same = spoken["most_frequent"][0]
    spoken = spoken | {"most_frequent": [same] * max(1, -(-size // max(1, len(same))))}
    different = {f"distinct_{n}": _each(spoken, partial(distinct, n=n, size=size, seed=seed)) for n in (1, 2, 3)}
    return different | measures


def _habits(said: dict[str, list[str]]) -> dict[str, Measured]:
    habits = {speaker: habits_of(texts) for speaker, texts in said.items()}
    return {
        field.name: Measured(**{speaker: getattr(each, field.name) for speaker, each in habits.items()})
        for field in attrs.fields(StyleMetrics)
    }


def _each(spoken: dict[str, list[list[str]]], measure: Callable[[list[list[str]]], float | None]) -> Measured:
    return Measured(**{speaker: measure(texts) for speaker, texts in spoken.items()})
