"""Evaluates a bot on held-out replies of a corpus, which it was not trained on.

The bot is compared with the person's true replies and two baselines: the person's most frequent reply, and random
replies of the person. `docs/evaluation.md` explains each metric.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import attrs

from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample, TrainingReplies, draw_held_out_examples
from autocakechat.evaluation.metric_registry import NGRAM_SIZES, RECALL_CUTOFFS
from autocakechat.evaluation.metrics import (
    Rank,
    WordList,
    distinct,
    margin_of_error,
    mean,
    mean_perplexity,
    perplexity,
    split_words,
)
from autocakechat.evaluation.results import Evaluation, EvaluationSettings, ExampleReplies, Measurement
from autocakechat.evaluation.writing_style import measure_style, style_margins
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.model import Request, Score
from autocakechat.interface.run_context import OpenProgress
from autocakechat.interface.session import Session

_DISTINCT_WORDS = 1000
_NO_SCORES = "the trainer of this model cannot score replies: no perplexity, no ranking"
_ONE_REPLY = "the held-out set has only one distinct reply: no ranking"

Replies = dict[str, list[str]]
"""The replies of each column of `Measurement`, one per held-out example."""


@attrs.frozen
class _ScoredExample:
    """The model's scores of the replies to one held-out example."""

    true: Score
    bot: Score
    most_frequent: Score
    distractors: list[Score]


def evaluate(
    responder: BatchedResponder, corpus: Corpus, settings: EvaluationSettings, progress: OpenProgress
) -> Evaluation:
    """Evaluates a bot.

    Args:
        responder: The bot.
        corpus: The part "validation" is the held-out set; the baselines use the part "train".
        settings: The settings.
        progress: Opens progress displays.

    Returns:
        The results. The same settings give the same results if the bot gives the same replies.

    Raises:
        UserError: There are no held-out replies.
        PluginError: The bot failed.
    """
    rng = random.Random(settings.seed)  # noqa: S311 - not for secrets
    examples, available = draw_held_out_examples(
        corpus, settings.samples, settings.candidates - 1, responder.context_lines, rng
    )
    training = TrainingReplies(corpus, progress)
    requests = [_request(example, responder.labels) for example in examples]
    bot_replies = responder.replies(requests)
    replies = {
        "bot": bot_replies,
        "person": [example.reply for example in examples],
        "most_frequent": [training.most_frequent] * len(examples),
        "random": training.draw(len(examples), rng),
    }
    scored, notes = _score(responder, requests, examples, bot_replies, training)
    ranks = _ranks(scored, examples, training)
    words: dict[str, list[WordList]] = {
        column: [split_words(text) for text in texts] for column, texts in replies.items()
    }
    distinct_words = min(_DISTINCT_WORDS, *(sum(map(len, words[column])) for column in ("bot", "person", "random")))
    return Evaluation(
        samples=len(examples),
        available=available,
        candidates=1 + len(examples[0].distractors) if ranks else 0,
        seed=settings.seed,
        distinct_words=distinct_words,
        most_frequent_answer=training.most_frequent,
        measures=_likelihood(scored)
        | _ranking(ranks, mean)
        | _variety(words, distinct_words, training, settings.seed)
        | _style(replies),
        margins=_ranking(ranks, margin_of_error) | _style_margins(replies),
        notes=notes,
        examples=[
            ExampleReplies(examples[index].context, examples[index].reply, bot_replies[index])
            for index in _spread(len(examples), settings.examples)
        ],
    )


def _spread(length: int, number: int) -> list[int]:
    """Returns indices at equal distances, so that examples are not all from one dialog."""
    return [index * length // number for index in range(number)] if number < length else list(range(length))


def _request(example: EvaluationExample, labels: Sequence[str]) -> Request:
    return Request(example.context, example.emotion if example.emotion in labels else Session.default_label(labels))


def _score(
    responder: BatchedResponder,
    requests: Sequence[Request],
    examples: Sequence[EvaluationExample],
    bot_replies: Sequence[str],
    training: TrainingReplies,
) -> tuple[list[_ScoredExample], list[str]]:
    """Returns the model's scores, and notes on what is missing."""
    if not responder.can_score:
        return [], [_NO_SCORES]
    candidates = [
        [example.reply, bot_reply, training.most_frequent, *example.distractors]
        for example, bot_reply in zip(examples, bot_replies, strict=True)
    ]
    scored = [
        _ScoredExample(true, bot, most_frequent, distractors)
        for true, bot, most_frequent, *distractors in responder.scores(requests, candidates)
    ]
    return scored, [] if examples[0].distractors else [_ONE_REPLY]


def _likelihood(scored: Sequence[_ScoredExample]) -> dict[str, Measurement]:
    """Returns the perplexities of each column's replies.

    The random replies are held out, too: the model would find training replies likely in any context.
    """
    columns: dict[str, list[Score]] = {
        "bot": [example.bot for example in scored],
        "person": [example.true for example in scored],
        "most_frequent": [example.most_frequent for example in scored],
        "random": [example.distractors[0] for example in scored if example.distractors],
    }
    return {
        "perplexity": Measurement(**{column: perplexity(scores) for column, scores in columns.items()}),
        "mean_perplexity": Measurement(**{column: mean_perplexity(scores) for column, scores in columns.items()}),
    }


def _ranks(
    scored: Sequence[_ScoredExample], examples: Sequence[EvaluationExample], training: TrainingReplies
) -> dict[str, list[Rank]]:
    """Returns the ranks of the true replies in three rankings; none without scores or without wrong candidates.

    The rankings are: the model's, by frequency in the training set, by chance.
    """
    if not scored or not examples[0].distractors:
        return {}
    frequencies = [[training.counts[text] for text in (example.reply, *example.distractors)] for example in examples]
    return {
        "bot": [Rank.of_first([score.log_p for score in (example.true, *example.distractors)]) for example in scored],
        "most_frequent": [Rank.of_first(counts) for counts in frequencies],
        "random": [Rank(better=0, equal=1 + len(example.distractors)) for example in examples],
    }


def _ranking(
    ranks: dict[str, list[Rank]], average: Callable[[Iterable[float]], float | None]
) -> dict[str, Measurement]:
    """Returns MAP and recall@k of each ranking: their means, or another statistic of the values of the replies."""
    measurements = {
        "mean_average_precision": Measurement(
            **{column: average([rank.average_precision for rank in own]) for column, own in ranks.items()}
        )
    }
    for k in RECALL_CUTOFFS:
        measurements[f"recall_at_{k}"] = Measurement(
            **{column: average([rank.recall(k) for rank in own]) for column, own in ranks.items()}
        )
    return measurements


def _variety(
    words: dict[str, list[WordList]], size: int, training: TrainingReplies, seed: int
) -> dict[str, Measurement]:
    """Returns distinct-n at equal numbers of words, and the similarity to the training replies."""
    similarity = {column: training.lexicon.similarity(texts) for column, texts in words.items()}
    # The constant reply is repeated until it has enough words.
    constant = words["most_frequent"][0]
    repeats = max(1, math.ceil(size / max(1, len(constant))))
    repeated_words = words | {"most_frequent": [constant] * repeats}
    measurements = {}
    for n in NGRAM_SIZES:
        measure = partial(distinct, n=n, size=size, seed=seed)
        measurements[f"distinct_{n}"] = Measurement(
            **{column: measure(texts) for column, texts in repeated_words.items()}
        )
    return measurements | {"lexical_similarity": Measurement(**similarity)}


def _style(replies: Replies) -> dict[str, Measurement]:
    styles = {column: attrs.asdict(measure_style(texts)) for column, texts in replies.items()}
    return _by_metric(styles)


def _style_margins(replies: Replies) -> dict[str, Measurement]:
    return _by_metric({column: style_margins(texts) for column, texts in replies.items()})


def _by_metric(columns: dict[str, dict[str, float | None]]) -> dict[str, Measurement]:
    return {
        key: Measurement(**{column: values[key] for column, values in columns.items()}) for key in columns["person"]
    }
