"""Replies with the person's past reply that fits a conversation best."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autocakechat import BannedPhrases, Candidate, RankedReply, Reply, ReplyIndex, ReplyRanker, Request
from autocakechat.plugins.trainers.retrieval.training import RANKER_FILE

if TYPE_CHECKING:
    from autocakechat.plugins.trainers.retrieval.options import ReplyOptions

_BEST = 10


class Retriever:
    """Retrieves past replies and ranks them.

    Args:
        index: The past replies.
        ranker: The ranker.
        options: The reply options.
    """

    # More lines than are searched for: the bot repeats none of its replies among them.
    context_lines = 20

    def __init__(self, index: ReplyIndex, ranker: ReplyRanker, options: ReplyOptions) -> None:
        self.labels: Sequence[str] = index.labels
        self._index = index
        self._ranker = ranker
        self._options = options
        self._banned = BannedPhrases(options.banned)
        self._random = random.Random(options.seed)  # noqa: S311 - not for secrets

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Replies to several conversations.

        If no past reply matches, one of the person's most frequent replies is chosen.

        Args:
            requests: One per conversation.

        Returns:
            One reply per request, in the same order.
        """
        return [self._reply(request) for request in requests]

    def rank(self, requests: Sequence[Request], candidates: Sequence[Sequence[str]]) -> list[list[float]]:
        """Ranks candidates by how well they fit.

        Args:
            requests: One per conversation.
            candidates: For each request, any number of replies to rank.

        Returns:
            For each request, one number per candidate, in the same order: the higher, the better it fits.
        """
        return [
            [ranked.score for ranked in self._ranker.rank(request, [Candidate(text) for text in texts])]
            for request, texts in zip(requests, candidates, strict=True)
        ]

    def _reply(self, request: Request) -> Reply:
        matches = self._index.search(request.context, self._options.past_replies)
        ranked = self._select(request, map(Candidate.from_match, matches)) or self._select(
            request, [Candidate(text) for text in self._index.frequent]
        )
        if not ranked:
            return Reply(self._options.fallback)
        chosen = ReplyRanker.choose(ranked, self._options.temperature, self._random)
        return Reply(chosen.text, [candidate.text for candidate in ranked], chosen.reasons)

    def _select(self, request: Request, candidates: Iterable[Candidate]) -> list[RankedReply]:
        """Returns the candidates that may be sent, best first."""
        return self._ranker.best(
            request, [found for found in candidates if not self._banned.occur_in(found.text)], _BEST
        )


def load(path: Path, options: ReplyOptions) -> Retriever:
    """Loads a model folder.

    Raises:
        UserError: A file is missing or damaged, or the embedder of the model is not installed.
    """
    index = ReplyIndex.open(path)
    return Retriever(index, ReplyRanker.open(index, path / RANKER_FILE), options)
