"""Calls a responder in batches, with progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autocakechat.interface.model import RankingResponder, Request, Responder, Score, ScoringResponder
from autocakechat.interface.run_context import OpenProgress

_BATCH_SIZE = 32
_SCORED_REPLIES = 64
"""Replies that are scored in one call: few enough that the progress display is up to date with a slow model."""


class BatchedResponder:
    """A responder that is called with many requests.

    Args:
        responder: The responder.
        progress: Opens progress displays.

    Attributes:
        labels: The labels it can reply with.
        context_lines: The number of context lines it uses.
        can_score: Whether it can score replies.
        can_rank: Whether it ranks replies itself.
    """

    def __init__(self, responder: Responder, progress: OpenProgress) -> None:
        self._responder = responder
        self._progress = progress
        self.labels = responder.labels
        self.context_lines = responder.context_lines
        self.can_score = isinstance(responder, ScoringResponder)
        self.can_rank = isinstance(responder, RankingResponder)

    def replies(self, requests: Sequence[Request]) -> list[str]:
        """Returns one reply per request.

        Raises:
            PluginError: The responder failed.
        """
        replies: list[str] = []
        with self._progress("replying", total=len(requests), unit="replies") as progress:
            for batch in _batches(len(requests)):
                replies += [reply.text for reply in self._responder.respond(requests[batch])]
                progress.advance(len(requests[batch]))
        return replies

    def scores(
        self, requests: Sequence[Request], replies: Sequence[Sequence[str]], title: str = "scoring"
    ) -> list[list[Score]]:
        """Returns the scores of several replies per request. Requires `can_score`.

        Args:
            requests: The requests.
            replies: The replies to score, for each request.
            title: The title of the progress display.

        Raises:
            PluginError: The responder failed.
        """
        assert isinstance(self._responder, ScoringResponder)
        scores: list[list[Score]] = []
        with self._progress(title, total=len(requests), unit="requests") as progress:
            for batch in _batches_of_replies([len(texts) for texts in replies]):
                scores += self._responder.score(requests[batch], replies[batch])
                progress.advance(len(requests[batch]))
        return scores

    def ranks(self, requests: Sequence[Request], candidates: Sequence[Sequence[str]]) -> list[list[float]]:
        """Returns how well several candidates fit each request. Requires `can_rank`.

        Raises:
            PluginError: The responder failed.
        """
        assert isinstance(self._responder, RankingResponder)
        ranks: list[list[float]] = []
        with self._progress("ranking", total=len(requests), unit="requests") as progress:
            for batch in _batches(len(requests)):
                ranks += self._responder.rank(requests[batch], candidates[batch])
                progress.advance(len(requests[batch]))
        return ranks


def _batches(total: int) -> Iterator[slice]:
    return (slice(start, start + _BATCH_SIZE) for start in range(0, total, _BATCH_SIZE))


def _batches_of_replies(counts: Sequence[int]) -> Iterator[slice]:
    """Yields batches of at most 32 requests and 64 replies, or of one request with more replies.

    Args:
        counts: The number of replies of each request.
    """
    start = replies = 0
    for place, count in enumerate(counts):
        if place > start and (replies + count > _SCORED_REPLIES or place - start == _BATCH_SIZE):
            yield slice(start, place)
            start, replies = place, 0
        replies += count
    if counts:
        yield slice(start, len(counts))
