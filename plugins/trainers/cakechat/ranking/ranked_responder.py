"""Replies with the best of past and generated replies."""

from __future__ import annotations

import random
from collections.abc import Sequence

import attrs

from autocakechat import Candidate, RankedReply, Reply, ReplyRanker, Request, Score
from autocakechat.plugins.trainers.cakechat.inference.responder import CakeChatResponder
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.ranking.past_replies import PastReplies

_SHORT_LIST = 8
"""Candidates whose probability is computed. It takes about as long as generating one."""


class RankedResponder:
    """Ranks past and generated replies, and draws one of the best.

    Args:
        generator: Generates replies.
        past: The past replies, and the ranker.
        options: The options of `[reply]`.

    Attributes:
        labels: The labels (emotions) that replies can be conditioned on.
    """

    # More lines than the network reads: the bot repeats none of its replies among them.
    context_lines = 20

    def __init__(self, generator: CakeChatResponder, past: PastReplies, options: ReplyOptions) -> None:
        self.labels: Sequence[str] = generator.labels
        self._generator = generator
        self._past = past
        self._options = options
        self._random = random.Random(options.seed)  # noqa: S311 - not for secrets

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Replies to a batch of conversations.

        If no candidate may be sent, sampling is repeated, with at most `tries` attempts in total. Then a frequent
        reply of the person is chosen, unless past replies are excluded, or else the fallback.

        Args:
            requests: One request per conversation.

        Returns:
            One reply per request, in the same order.
        """
        requests = [_with_a_line(request) for request in requests]
        past = [self._past_candidates(request) for request in requests]
        replies: dict[int, Reply] = {}
        for _ in range(self._options.tries):
            pending = [number for number in range(len(requests)) if number not in replies]
            if not pending:
                break
            generated = self._generator.candidates([requests[number] for number in pending])
            for number, texts in zip(pending, generated, strict=True):
                request = requests[number]
                own = [Candidate(text, request.emotion) for text in texts]
                if ranked := self._past.ranker.best(request, [*past[number], *own], _SHORT_LIST):
                    replies[number] = self._choose(ranked)
        return [replies.get(number) or self._last_resort(request) for number, request in enumerate(requests)]

    def score(self, requests: Sequence[Request], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Computes the log-likelihood of replies by the network; see `CakeChatResponder.score`."""
        return self._generator.score(requests, replies)

    def rank(self, requests: Sequence[Request], candidates: Sequence[Sequence[str]]) -> list[list[float]]:
        """Ranks candidates by how well they fit.

        Args:
            requests: One per conversation.
            candidates: For each request, any number of replies to rank.

        Returns:
            For each request, one number per candidate, in the same order: the higher, the better it fits.
        """
        return [
            [
                ranked.score
                for ranked in self._past.ranker.rank(_with_a_line(request), [Candidate(text) for text in texts])
            ]
            for request, texts in zip(requests, candidates, strict=True)
        ]

    def _past_candidates(self, request: Request) -> list[Candidate]:
        if not self._options.past_replies:
            return []
        matches = self._past.index.search(request.context, self._options.past_replies)
        found = map(Candidate.from_match, matches)
        return [candidate for candidate in found if not self._generator.is_banned(candidate.text)]

    def _choose(self, ranked: Sequence[RankedReply]) -> Reply:
        best = ranked[: self._options.choose_among]
        chosen = ReplyRanker.choose(best, self._options.ranking_temperature, self._random)
        return Reply(chosen.text, [candidate.text for candidate in ranked], chosen.reasons)

    def _last_resort(self, request: Request) -> Reply:
        """Returns a frequent reply of the person, or the fallback."""
        frequent = self._past.index.frequent if self._options.past_replies else ()
        texts = [Candidate(text) for text in frequent if not self._generator.is_banned(text)]
        ranked = self._past.ranker.best(request, texts, _SHORT_LIST)
        return self._choose(ranked) if ranked else Reply(self._options.fallback)


def _with_a_line(request: Request) -> Request:
    """Returns a request with an empty line of context if it has none."""
    return request if request.context else attrs.evolve(request, context=("",))
