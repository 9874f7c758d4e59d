"""The relevance of replies: whether a judge that does not know the model finds the context of a reply."""

from __future__ import annotations

import random
from collections.abc import Sequence

from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.metrics import split_words
from autocakechat.evaluation.ranking import Rank
from autocakechat.evaluation.word_rankers import RelevanceJudge

Context = tuple[str, ...]


class Relevance:
    """Measures the relevance of replies to held-out contexts.

    Args:
        examples: The held-out examples.
        judge: Judges how well a reply fits a context.
        wrong: The number of wrong contexts for each reply, see `draw_contexts`.
        rng: Draws the wrong contexts.
    """

    def __init__(
        self, examples: Sequence[EvaluationExample], judge: RelevanceJudge, wrong: int, rng: random.Random
    ) -> None:
        self._judge = judge
        self._contexts = draw_contexts(examples, wrong, rng)
        self.candidates = len(self._contexts[0])

    def measure(self, replies: Sequence[str], intervals: Intervals) -> dict[str, Interval]:
        """Returns the metrics of replies, one reply per example."""
        ranks = [
            Rank.of_first([self._judge.fit(context, reply) for context in contexts])
            for reply, contexts in zip(replies, self._contexts, strict=True)
        ]
        messages = [contexts[0][-1] for contexts in self._contexts]
        measures = {"relevance.echo": intervals.mean([*map(echo, messages, replies)])}
        if self.candidates == 1:
            return measures | {"relevance.map": Interval(), "relevance.recall_at_1": Interval()}
        return {
            "relevance.map": intervals.mean([rank.average_precision for rank in ranks]),
            "relevance.recall_at_1": intervals.mean([rank.recall(1) for rank in ranks]),
        } | measures


def draw_contexts(examples: Sequence[EvaluationExample], wrong: int, rng: random.Random) -> list[list[Context]]:
    """Returns the contexts to compare each reply with, its own first.

    Args:
        examples: The examples.
        wrong: The number of wrong contexts for each reply. They are of other dialogs. All replies get the same number:
            fewer if there are fewer contexts in other dialogs.
        rng: Draws the wrong contexts.
    """
    others = [
        [other.context for other in examples if other.dialog != example.dialog and other.context != example.context]
        for example in examples
    ]
    number = min([wrong, *map(len, others)])
    return [
        [example.context, *rng.sample(contexts, number)] for example, contexts in zip(examples, others, strict=True)
    ]


def echo(message: str, reply: str) -> float | None:
    """Returns the share of the different words of a reply that the message contains; None without words."""
    words = {word for word in split_words(reply) if word[0].isalnum()}
    return len(words & set(split_words(message))) / len(words) if words else None
