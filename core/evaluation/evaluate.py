"""Evaluates a bot on held-out replies of a corpus, which it was not trained on.

The bot is compared with the person's true replies and two baselines: the person's most frequent reply, and random
replies of the person. `docs/evaluation.md` explains each metric.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import partial

import attrs

from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample, TrainingReplies, draw_held_out_examples
from autocakechat.evaluation.metric_registry import NGRAM_SIZES, RECALL_CUTOFFS, keys
from autocakechat.evaluation.metrics import (
    Rank,
    WordList,
    distinct,
    mean,
    mean_perplexity,
    perplexity,
    split_words,
    standard_error,
)
from autocakechat.evaluation.results import Evaluation, EvaluationSettings, ExampleReplies, Measurement
from autocakechat.evaluation.writing_style import StyleMetrics, measure_style
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
    likelihood, notes = _score_metrics(responder, requests, examples, bot_replies, training)
    words: dict[str, list[WordList]] = {
        column: [split_words(text) for text in texts] for column, texts in replies.items()
    }
    distinct_words = min(_DISTINCT_WORDS, *(sum(map(len, words[column])) for column in ("bot", "person", "random")))
    has_ranking = responder.can_score and examples[0].distractors
    return Evaluation(
        samples=len(examples),
        available=available,
        candidates=1 + len(examples[0].distractors) if has_ranking else 0,
        seed=settings.seed,
        distinct_words=distinct_words,
        most_frequent_answer=training.most_frequent,
        measures=likelihood | _variety(words, distinct_words, training, settings.seed) | _style(replies),
        notes=notes,
        examples=[
            ExampleReplies(example.context, example.reply, reply)
            for example, reply in zip(examples[: settings.examples], bot_replies, strict=False)
        ],
    )


def _request(example: EvaluationExample, labels: Sequence[str]) -> Request:
    return Request(example.context, example.emotion if example.emotion in labels else Session.default_label(labels))


def _score_metrics(
    responder: BatchedResponder,
    requests: Sequence[Request],
    examples: Sequence[EvaluationExample],
    bot_replies: Sequence[str],
    training: TrainingReplies,
) -> tuple[dict[str, Measurement], list[str]]:
    """Returns the metrics that need the model's scores, and notes on them."""
    if not responder.can_score:
        return dict.fromkeys((*keys("likelihood"), *keys("ranking")), Measurement()), [_NO_SCORES]
    candidates = [
        [example.reply, bot_reply, training.most_frequent, *example.distractors]
        for example, bot_reply in zip(examples, bot_replies, strict=True)
    ]
    scored = [
        _ScoredExample(true, bot, most_frequent, distractors)
        for true, bot, most_frequent, *distractors in responder.scores(requests, candidates)
    ]
    if not examples[0].distractors:
        return _likelihood(scored) | dict.fromkeys(keys("ranking"), Measurement()), [_ONE_REPLY]
    ranks = [Rank.of_first([score.log_p for score in (example.true, *example.distractors)]) for example in scored]
    candidate_count = 1 + len(examples[0].distractors)
    return _likelihood(scored) | _ranking(ranks, examples, training), _ranking_notes(ranks, candidate_count)


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


def _ranking(
    model_ranks: Sequence[Rank], examples: Sequence[EvaluationExample], training: TrainingReplies
) -> dict[str, Measurement]:
    """Returns MAP and recall@k of three rankings: the model's, by frequency in the training set, by chance."""
    frequencies = [[training.counts[text] for text in (example.reply, *example.distractors)] for example in examples]
    columns: dict[str, Sequence[Rank]] = {
        "bot": model_ranks,
        "most_frequent": [Rank.of_first(counts) for counts in frequencies],
        "random": [Rank(better=0, equal=1 + len(example.distractors)) for example in examples],
    }
    measurements = {
        "mean_average_precision": Measurement(
            **{column: mean(rank.average_precision for rank in ranks) for column, ranks in columns.items()}
        )
    }
    for k in RECALL_CUTOFFS:
        measurements[f"recall_at_{k}"] = Measurement(
            **{column: mean(rank.recall(k) for rank in ranks) for column, ranks in columns.items()}
        )
    return measurements


def _ranking_notes(ranks: Sequence[Rank], candidates: int) -> list[str]:
    """Returns the margin of error of the ranking (two standard errors), and notes if it is not better than chance."""
    precisions = [rank.average_precision for rank in ranks]
    error = standard_error(precisions)
    if error is None:
        return []
    by_chance = Rank(better=0, equal=candidates).average_precision
    margin = f"mean average precision ± {2 * error:.3f} (95 % confidence interval)"
    if sum(precisions) / len(precisions) - by_chance > 2 * error:
        return [margin]
    return [f"{margin}: not better than chance, so the model makes little use of the context"]


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
    styles = {column: measure_style(texts) for column, texts in replies.items()}
    return {
        field.name: Measurement(**{column: getattr(style, field.name) for column, style in styles.items()})
        for field in attrs.fields(StyleMetrics)
    }
