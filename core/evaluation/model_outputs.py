"""What a model says about the held-out examples: its replies, and the measures that need its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import attrs

from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Intervals
from autocakechat.evaluation.metrics import mean_perplexity, perplexity
from autocakechat.evaluation.ranking import Rank, context_gains, ranking_measures, ranks
from autocakechat.evaluation.results import Measurement
from autocakechat.interface.model import Request, Score
from autocakechat.interface.session import Session

_NO_SCORES = "the trainer of this model cannot score replies: no perplexity, no context gain"
_NO_RANKING = "the trainer of this model can neither score nor rank replies: no perplexity, no ranking"


@attrs.frozen
class ModelOutputs:
    """The replies of a model to the held-out examples, and the measures that need its scores.

    Attributes:
        replies: One reply per example.
        context_lines: The number of context lines that the model uses.
        measures: The metrics of ranking and likelihood.
        notes: What could not be measured.
    """

    replies: list[str]
    context_lines: int
    measures: dict[str, Measurement]
    notes: list[str]


@attrs.frozen
class ModelTest:
    """Lets models reply and rank.

    Attributes:
        examples: The held-out examples.
        baseline_ranks: The ranks of the true replies in the rankings of the baselines; empty if there are no wrong
            candidates.
        most_frequent: The person's most frequent reply.
        intervals: Computes intervals.
        seed: The seed.
    """

    examples: Sequence[EvaluationExample]
    baseline_ranks: Mapping[str, Sequence[Rank]]
    most_frequent: str
    intervals: Intervals
    seed: int

    def run(self, responder: BatchedResponder) -> ModelOutputs:
        """Lets a model reply, and measures its ranking and its likelihoods.

        Raises:
            PluginError: The model failed.
        """
        requests = [request(example, responder.labels, responder.context_lines) for example in self.examples]
        replies = responder.replies(requests)
        measures: dict[str, Measurement] = {}
        notes = []
        if responder.can_score:
            measures |= self._score(responder, requests, replies)
        else:
            notes.append(_NO_SCORES if responder.can_rank else _NO_RANKING)
        if responder.can_rank and self.baseline_ranks:
            own = ranks(responder.ranks(requests, [example.candidates for example in self.examples]))
            measures |= ranking_measures(own, self.baseline_ranks, self.intervals)
        return ModelOutputs(replies, responder.context_lines, measures, notes)

    def _score(
        self, responder: BatchedResponder, requests: Sequence[Request], replies: Sequence[str]
    ) -> dict[str, Measurement]:
        texts = [
            [reply, self.most_frequent, *example.candidates]
            for example, reply in zip(self.examples, replies, strict=True)
        ]
        scores = responder.scores(requests, texts)
        candidates = [scores_of_one[2:] for scores_of_one in scores]
        measures = self._likelihood(scores)
        if not self.baseline_ranks:
            return measures
        by_log_p = ranks([score.log_p for score in scores_of_one] for scores_of_one in candidates)
        log_p_measures = ranking_measures(by_log_p, self.baseline_ranks, self.intervals)
        measures["ranking.map_by_log_p"] = log_p_measures["ranking.map"]
        true = [example.reply for example in self.examples]
        replies_to_rank = [example.candidates for example in self.examples]
        gains = context_gains(responder, requests, true, replies_to_rank, candidates, self.seed)
        if gains:
            measures |= ranking_measures(ranks(gains), self.baseline_ranks, self.intervals)
            gain = self.intervals.mean([gains_of_one[0] for gains_of_one in gains])
            measures["ranking.context_gain"] = Measurement.of(gain, baselines={"chance": 0.0})
        return measures

    def _likelihood(self, scores: Sequence[Sequence[Score]]) -> dict[str, Measurement]:
        """Returns the perplexities of the model's replies and of those in the other columns.

        The random replies are held out, too: the model would find training replies likely in any context.
        """
        measures = {}
        for key, measure in (
            ("likelihood.perplexity", perplexity),
            ("likelihood.mean_perplexity", mean_perplexity),
        ):
            # The columns of the scores: the model's reply, the most frequent one, the person's, the wrong candidates.
            own, most_frequent, person, *random = [
                measure(column, self.intervals) for column in islice(zip(*scores, strict=True), 4)
            ]
            random_value = random[0].value if random else None
            baselines = {"most_frequent": most_frequent.value, "random": random_value}
            measures[key] = Measurement.of(own, person.value, baselines)
        return measures


def request(example: EvaluationExample, labels: Sequence[str], context_lines: int) -> Request:
    """Returns the request for a reply to an example, with as many lines of context as a model uses."""
    label = example.emotion if example.emotion in labels else Session.default_label(labels)
    return Request(example.context[-context_lines:], label, example.chat_kind, example.person)
