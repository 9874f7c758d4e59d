"""A model as a judge of the replies of other models."""

from __future__ import annotations

from collections.abc import Sequence

from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.model_outputs import request
from autocakechat.evaluation.ranking import context_gains


class Judge:
    """Measures what replies gain from their contexts, by the probabilities of a model that did not write them.

    Args:
        responder: The model; it can score.
        examples: The held-out examples.
        seed: The seed of the draw of other contexts.
    """

    def __init__(self, responder: BatchedResponder, examples: Sequence[EvaluationExample], seed: int) -> None:
        self._responder = responder
        self._requests = [request(example, responder.labels, responder.context_lines) for example in examples]
        self._true = [example.reply for example in examples]
        self._seed = seed

    def measure(self, replies: Sequence[str], intervals: Intervals) -> dict[str, Interval]:
        """Returns the gain per token of replies, one reply per example."""
        texts = [[reply] for reply in replies]
        scores = self._responder.scores(self._requests, texts, "judging")
        gains = context_gains(self._responder, self._requests, self._true, texts, scores, self._seed)
        if not gains:
            return {"relevance.fit": Interval()}
        tokens = [score.tokens for (score,) in scores]
        return {"relevance.fit": intervals.ratio([gain for (gain,) in gains], tokens)}
