"""Ranking by what replies gain from the context."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import attrs
import pytest

from autocakechat import Reply, Request, Score
from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample
from autocakechat.evaluation.intervals import Intervals
from autocakechat.evaluation.model_outputs import ModelTest, request
from autocakechat.evaluation.ranking import baseline_ranks, context_gains, ranks

CONTEXTS = ("tea or coffee?", "cats or dogs?", "rain again")
TRUE = ("tea", "cats", "oh no, not again")
EXAMPLES = [
    EvaluationExample(number, ("hi", "hello", context), reply, "joy", tuple(text for text in TRUE if text != reply))
    for number, (context, reply) in enumerate(zip(CONTEXTS, TRUE, strict=True))
]


@attrs.frozen
class Scorer:
    """A model that scores by a function of the last message and the reply."""

    log_p: Callable[[str, str], float]
    labels: Sequence[str] = ("neutral",)
    context_lines: int = 2

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        return [Reply("ok") for _ in requests]

    def score(self, requests: Sequence[Request], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        return [
            [Score(self.log_p(own.context[-1], text), len(text.split())) for text in texts]
            for own, texts in zip(requests, replies, strict=True)
        ]


@attrs.frozen
class Ranker(Scorer):
    """A model that ranks itself, by the reverse of its scores."""

    def rank(self, requests: Sequence[Request], candidates: Sequence[Sequence[str]]) -> list[list[float]]:
        return [[-score.log_p for score in scores] for scores in self.score(requests, candidates)]


def likes_short(message: str, reply: str) -> float:
    """Ten nats a word, and two nats more likely in the true context."""
    return -10 * len(reply.split()) + (2 if TRUE[CONTEXTS.index(message)] == reply else 0)


def batched(responder: Scorer) -> BatchedResponder:
    return BatchedResponder(responder, silent_progress)


def gains_of(log_p: Callable[[str, str], float]) -> list[list[float]]:
    responder = batched(Scorer(log_p))
    requests = [request(example, responder.labels, responder.context_lines) for example in EXAMPLES]
    scores = responder.scores(requests, [example.candidates for example in EXAMPLES])
    return context_gains(responder, requests, EXAMPLES, scores, seed=1)


def test_the_gain_is_the_score_minus_its_mean_in_other_contexts() -> None:
    # With 2 nats in the true context only: the true reply gains 2 over both others. A wrong one gains nothing: its own
    # context is left out of the mean.
    assert gains_of(likes_short) == [[pytest.approx(2), pytest.approx(0), pytest.approx(0)]] * 3


def test_gains_find_the_true_reply_where_log_p_prefers_the_short_one() -> None:
    by_log_p = ranks([likes_short(example.context[-1], text) for text in example.candidates] for example in EXAMPLES)
    assert [rank.better for rank in by_log_p] == [0, 0, 2]
    assert [rank.better for rank in ranks(gains_of(likes_short))] == [0, 0, 0]


def test_a_model_that_ignores_the_context_gains_nothing() -> None:
    gains = gains_of(lambda _, reply: -float(len(reply)))
    assert gains == [[pytest.approx(0)] * 3] * 3


def test_minus_infinity_is_a_very_low_number() -> None:
    gains = gains_of(lambda message, reply: 0.0 if TRUE[CONTEXTS.index(message)] == reply else -math.inf)
    assert [rank.better for rank in ranks(gains)] == [0, 0, 0]
    assert all(math.isfinite(gain) for own in gains for gain in own)


def test_one_context_gives_no_gain() -> None:
    responder = batched(Scorer(likes_short))
    requests = [request(EXAMPLES[0], responder.labels, 2)]
    assert context_gains(responder, requests, EXAMPLES[:1], [[Score(0.0, 1)]], seed=1) == []


def test_a_request_has_the_label_and_the_context_of_the_model() -> None:
    assert request(EXAMPLES[0], ("neutral", "joy"), 2) == Request(("hello", CONTEXTS[0]), "joy")
    assert request(EXAMPLES[0], ("neutral",), 10) == Request(("hi", "hello", CONTEXTS[0]), "neutral")


def test_baselines_rank_by_chance_by_frequency_and_by_words() -> None:
    found = baseline_ranks(EXAMPLES, {"cats": 3, "tea": 1}, {"words": lambda context, reply: reply in context[-1]})
    assert [(rank.better, rank.equal) for rank in found["chance"]] == [(0, 3)] * 3
    assert [(rank.better, rank.equal) for rank in found["most_frequent"]] == [(1, 1), (0, 1), (2, 1)]
    assert [(rank.better, rank.equal) for rank in found["words"]] == [(0, 1), (0, 1), (0, 3)]


def test_the_measures_of_a_model() -> None:
    test = ModelTest(EXAMPLES, baseline_ranks(EXAMPLES, {}, {}), "yes", Intervals(range(3), 1), seed=1)
    outputs = test.run(batched(Scorer(likes_short)))
    measures = outputs.measures
    assert outputs.replies == ["ok"] * 3
    assert measures["ranking.map"].value == measures["ranking.recall_at_1"].value == 1
    assert measures["ranking.map_by_log_p"].value == pytest.approx((1 + 1 + 1 / 3) / 3)
    assert measures["ranking.map"].baselines["chance"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    gain = measures["ranking.context_gain"]
    assert (gain.value, gain.low, gain.high, gain.baselines) == (pytest.approx(2), pytest.approx(2), 2, {"chance": 0})
    # log p of "tea" is -8, of "cats" -8 and of "oh no, not again" -38: 54 nats for 6 words.
    assert measures["likelihood.perplexity"].person == pytest.approx(math.exp(54 / 6))
    assert measures["likelihood.perplexity"].value == pytest.approx(math.exp(10))
    assert measures["likelihood.mean_perplexity"].person == pytest.approx((2 * math.exp(8) + math.exp(9.5)) / 3)
    assert measures["likelihood.perplexity"].baselines["most_frequent"] == pytest.approx(math.exp(10))


def test_the_ranking_of_a_model_that_ranks_itself_is_its_own() -> None:
    test = ModelTest(EXAMPLES, baseline_ranks(EXAMPLES, {}, {}), "yes", Intervals(range(3), 1), seed=1)
    measures = test.run(batched(Ranker(likes_short))).measures
    # The true replies have the ranks 1, 1 and 3 by log p.
    assert measures["ranking.map"].value == pytest.approx((1 / 3 + 1 / 3 + 1) / 3)
    assert measures["ranking.map_by_log_p"].value == pytest.approx((1 + 1 + 1 / 3) / 3)
