"""Chooses the reply: the model's candidates and the person's past replies, ranked by how well they fit the context.

A candidate gains from its context by log p(reply | context) - log p(reply | other contexts): pointwise mutual
information, as in Li et al. 2016 (arXiv 1510.03055). The gain per token is added to the score of the ranker of past
replies. Its weight is small: with a high one, the best candidate repeats the message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

import attrs

from autocakechat import (
    BannedPhrases,
    Candidate,
    RankedReply,
    Reply,
    ReplyIndex,
    ReplyRanker,
    Request,
    is_allowed,
)
from autocakechat.plugins.trainers.lora.engine.interface import Engine
from autocakechat.plugins.trainers.lora.options import ReplyOptions

_OTHER_CONTEXTS = 3
_GAIN = "is likelier in this conversation"


MakePrompt = Callable[[Request, range], str]
"""Makes the prompt of a request, without examples from a range of exchanges."""


@attrs.frozen
class PastReplies:
    """The person's past replies.

    Attributes:
        index: Finds them.
        ranker: Ranks candidates.
    """

    index: ReplyIndex
    ranker: ReplyRanker


class ReplySelection:
    """Chooses among candidates.

    Args:
        engine: Scores candidates.
        prompt: Makes the prompt of a request.
        past: The person's past replies; None if the model stores none.
        options: The options of `[reply]`.
    """

    def __init__(
        self,
        engine: Engine,
        prompt: MakePrompt,
        past: PastReplies | None,
        options: ReplyOptions,
    ) -> None:
        self._engine = engine
        self._prompt = prompt
        self._past = past
        self._options = options
        self._banned = BannedPhrases(options.banned)
        self._others = _other_contexts(past)

    def choose(self, requests: Sequence[Request], generated: Sequence[Sequence[str]]) -> list[Reply | None]:
        """Chooses a reply to each request.

        Args:
            requests: One per conversation.
            generated: The model's candidates for each.

        Returns:
            The replies; None for a request without a candidate that may be sent.
        """
        return [self._choose(request, texts) for request, texts in zip(requests, generated, strict=True)]

    def _choose(self, request: Request, generated: Sequence[str]) -> Reply | None:
        ranked = self._ranked(request, generated)
        if not ranked:
            return None
        if len(ranked) == 1:
            return Reply(ranked[0].text, [ranked[0].text])
        weight = self._options.context_weight
        gains = self._gains(request, [found.text for found in ranked]) if weight else [0.0] * len(ranked)
        scored = [
            ((1 - weight) * found.score + weight * gain, found, gain) for found, gain in zip(ranked, gains, strict=True)
        ]
        scored.sort(key=lambda item: -item[0])
        _, best, gain = scored[0]
        reasons = {name: (1 - weight) * value for name, value in best.reasons.items()} | {_GAIN: weight * gain}
        return Reply(best.text, [found.text for _, found, _ in scored], reasons)

    def _ranked(self, request: Request, generated: Sequence[str]) -> list[RankedReply]:
        """Returns the candidates that may be sent; with past replies, the best ones of them in order."""
        candidates = [Candidate(text) for text in generated]
        if self._past and self._options.past_replies:
            matches = self._past.index.search(request.context, self._options.past_replies)
            candidates += map(Candidate.from_match, matches)
        candidates = [candidate for candidate in candidates if not self._banned.occur_in(candidate.text)]
        if self._past:
            return self._past.ranker.best(request, candidates)
        distinct = dict.fromkeys(found.text for found in candidates if is_allowed(found.text, request.context))
        return [RankedReply(text, 0.0, {}) for text in distinct]

    def _gains(self, request: Request, texts: Sequence[str]) -> list[float]:
        """Returns how much likelier each text is in this context than in others, per token, in nats."""
        prompts = [self._prompt(request, range(0))]
        prompts += [self._prompt(attrs.evolve(request, context=context), itself) for context, itself in self._others]
        own, *others = self._engine.score(prompts, [texts] * len(prompts))
        return [
            score.log_p / score.tokens - fmean(found[place].log_p / found[place].tokens for found in others)
            for place, score in enumerate(own)
        ]


def _other_contexts(past: PastReplies | None) -> list[tuple[Sequence[str], range]]:
    """Returns contexts to compare with and the numbers of their exchanges; without past replies, an empty context."""
    if past is None:
        return [(("",), range(0))]
    count = len(past.index)
    numbers = range(0, count, max(1, count // _OTHER_CONTEXTS))[:_OTHER_CONTEXTS]
    return [(past.index.exchanges[number].context, range(number, number + 1)) for number in numbers]
