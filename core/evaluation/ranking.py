"""Ranking the true reply among others, and what a model gains from the context.

Sources: pointwise mutual information as in Li et al. 2016 (arXiv 1510.03055); mean average precision and recall@k as in
CakeChat.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from statistics import fmean

import attrs

from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Intervals
from autocakechat.evaluation.metric_registry import RECALL_CUTOFFS
from autocakechat.evaluation.results import Measurement
from autocakechat.evaluation.word_rankers import WordRanker
from autocakechat.interface.model import Request, Score

_OTHER_CONTEXTS = 8
_CHUNK = 64
_LOWEST = -1e6  # instead of minus infinity, whose differences are undefined


@attrs.frozen
class Rank:
    """The rank of the true one among candidates, with ties.

    Attributes:
        better: The number of candidates with a higher score.
        equal: The number of candidates with the same score, the true one included. Each order of these is equally
            likely, so metrics are expectations over them.
    """

    better: int
    equal: int = 1

    @classmethod
    def of_first(cls, scores: Sequence[float]) -> Rank:
        """Ranks the first of several candidates by score; higher is better."""
        true = scores[0]
        return cls(sum(score > true for score in scores), sum(score == true for score in scores))

    @property
    def average_precision(self) -> float:
        """The average precision, 1 / rank for a single relevant candidate, in expectation over ties."""
        return math.fsum(1 / (self.better + place) for place in range(1, self.equal + 1)) / self.equal

    def recall(self, k: int) -> float:
        """Returns recall@k: 1 if the true one is among the first k, else 0, in expectation over ties."""
        return min(max(k - self.better, 0), self.equal) / self.equal


def context_gains(
    responder: BatchedResponder,
    requests: Sequence[Request],
    examples: Sequence[EvaluationExample],
    scores: Sequence[Sequence[Score]],
    seed: int,
) -> list[list[float]]:
    """Returns what candidates gain from a context: log p in this context minus the mean of log p in other contexts.

    Args:
        responder: The model.
        requests: The request of each example.
        examples: The held-out examples.
        scores: For each example, the scores of its candidates.
        seed: The seed of the draw of other contexts.

    Returns:
        For each example, the gain of each candidate; nothing if there are too few contexts.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    contexts = sorted(rng.sample(range(len(examples)), min(_OTHER_CONTEXTS, len(examples))))
    if len(contexts) < 2:
        return []
    texts = list(dict.fromkeys(text for example in examples for text in example.candidates))
    # A call of `score` with few contexts and many replies: a model reads a context once for all of them.
    chunks = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
    found = responder.scores(
        [requests[context] for _ in chunks for context in contexts],
        [chunk for chunk in chunks for _ in contexts],
        "scoring in other contexts",
    )
    elsewhere: dict[str, list[tuple[int, float]]] = {text: [] for text in texts}
    for (chunk, context), scores_of_chunk in zip(product(chunks, contexts), found, strict=True):
        for text, score in zip(chunk, scores_of_chunk, strict=True):
            elsewhere[text].append((context, _log_p(score)))

    def gain(index: int, text: str, score: Score) -> float:
        others = [(context, log_p) for context, log_p in elsewhere[text] if context != index]
        strange = [log_p for context, log_p in others if examples[context].reply != text]
        return _log_p(score) - fmean(strange or [log_p for _, log_p in others])

    return [
        [gain(index, text, score) for text, score in zip(example.candidates, own, strict=True)]
        for index, (example, own) in enumerate(zip(examples, scores, strict=True))
    ]


def ranks(scores: Iterable[Sequence[float]]) -> list[Rank]:
    """Ranks the first of the candidates of each example by score."""
    return [Rank.of_first(scores_of_one) for scores_of_one in scores]


def ranking_measures(
    own: Sequence[Rank], baselines: Mapping[str, Sequence[Rank]], intervals: Intervals
) -> dict[str, Measurement]:
    """Returns mean average precision and recall@k of a model and of baselines."""
    values: dict[str, Callable[[Rank], float]] = {"ranking.map": lambda rank: rank.average_precision}
    for k in RECALL_CUTOFFS:
        values[f"ranking.recall_at_{k}"] = partial(Rank.recall, k=k)
    return {
        key: Measurement.of(
            intervals.mean([value(rank) for rank in own]),
            baselines={name: fmean(map(value, baseline)) for name, baseline in baselines.items()},
        )
        for key, value in values.items()
    }


def baseline_ranks(
    examples: Sequence[EvaluationExample], frequencies: Mapping[str, int], word_rankers: Mapping[str, WordRanker]
) -> dict[str, list[Rank]]:
    """Returns the ranks of the true replies by chance, by frequency, and by rankers that know only words."""
    return {
        "chance": [Rank(better=0, equal=len(example.candidates)) for example in examples],
        "most_frequent": ranks([frequencies.get(text, 0) for text in example.candidates] for example in examples),
    } | {
        name: ranks([ranker(example.context, text) for text in example.candidates] for example in examples)
        for name, ranker in word_rankers.items()
    }


def _log_p(score: Score) -> float:
    return max(score.log_p, _LOWEST)
