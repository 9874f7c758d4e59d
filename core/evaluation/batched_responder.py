"""Calls a responder in batches, with progress, and checks that it keeps its contract."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from autocakechat.errors import AccError, PluginError
from autocakechat.interface.model import RankingResponder, Request, Responder, Score, ScoringResponder
from autocakechat.interface.run_context import OpenProgress
from autocakechat.registry.manager import plugin_error

_BATCH_SIZE = 32

_Result = TypeVar("_Result")


class BatchedResponder:
    """A responder that is called with many requests.

    Args:
        responder: The responder.
        owner: The plugin that provides it.
        log: The log for details of failures.
        progress: Opens progress displays.

    Attributes:
        labels: The labels it can reply with.
        context_lines: The number of context lines it uses.
        can_score: Whether it can score replies.
        can_rank: Whether it ranks replies itself.
    """

    def __init__(self, responder: Responder, owner: str, log: logging.Logger, progress: OpenProgress) -> None:
        self._responder = responder
        self._owner = owner
        self._log = log
        self._progress = progress
        self.labels = responder.labels
        self.context_lines = responder.context_lines
        self.can_score = isinstance(responder, ScoringResponder)
        self.can_rank = isinstance(responder, RankingResponder)

    def replies(self, requests: Sequence[Request]) -> list[str]:
        """Returns one reply per request.

        Raises:
            PluginError: The responder failed, or returned another number of replies.
        """
        replies: list[str] = []
        with self._progress("replying", total=len(requests), unit="replies") as progress:
            for batch in _batches(len(requests)):
                batch_replies = self._call(self._responder.respond, requests[batch])
                self._expect(len(batch_replies) == len(requests[batch]), "did not return one reply per request")
                replies += [reply.text for reply in batch_replies]
                progress.advance(len(batch_replies))
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
            PluginError: The responder failed, or returned invalid scores.
        """
        assert isinstance(self._responder, ScoringResponder)
        scores: list[list[Score]] = []
        with self._progress(title, total=len(requests), unit="requests") as progress:
            for batch in _batches(len(requests)):
                batch_scores = self._call(self._responder.score, requests[batch], replies[batch])
                complete = list(map(len, batch_scores)) == list(map(len, replies[batch]))
                self._expect(complete, "did not return one score per reply")
                has_nan = any(math.isnan(score.log_p) for scores_of_one in batch_scores for score in scores_of_one)
                self._expect(not has_nan, "returned a score that is NaN")
                scores += batch_scores
                progress.advance(len(batch_scores))
        return scores

    def ranks(self, requests: Sequence[Request], candidates: Sequence[Sequence[str]]) -> list[list[float]]:
        """Returns how well several candidates fit each request. Requires `can_rank`.

        Raises:
            PluginError: The responder failed, or returned invalid numbers.
        """
        assert isinstance(self._responder, RankingResponder)
        ranks: list[list[float]] = []
        with self._progress("ranking", total=len(requests), unit="requests") as progress:
            for batch in _batches(len(requests)):
                batch_ranks = self._call(self._responder.rank, requests[batch], candidates[batch])
                complete = list(map(len, batch_ranks)) == list(map(len, candidates[batch]))
                self._expect(complete, "did not return one number per candidate")
                finite = all(math.isfinite(number) for ranks_of_one in batch_ranks for number in ranks_of_one)
                self._expect(finite, "ranked with a number that is not finite")
                ranks += batch_ranks
                progress.advance(len(batch_ranks))
        return ranks

    def _call(self, method: Callable[..., list[_Result]], *arguments: Any) -> list[_Result]:
        try:
            return method(*arguments)
        except (AccError, MemoryError):
            raise
        except Exception as error:
            self._log.debug("in a responder", exc_info=True)
            raise plugin_error(self._owner, error) from error

    def _expect(self, condition: bool, violation: str) -> None:
        if not condition:
            raise PluginError(self._owner, f"its responder {violation}")


def _batches(total: int) -> Iterator[slice]:
    return (slice(start, start + _BATCH_SIZE) for start in range(0, total, _BATCH_SIZE))
