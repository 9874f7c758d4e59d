"""Asks a responder for much at once, some conversations at a time, and names its plugin if it breaks its contract."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from autocakechat.errors import AccError, PluginError
from autocakechat.interface.model import Request, Responder, Score, ScoringResponder
from autocakechat.interface.run_context import OpenProgress
from autocakechat.registry.manager import plugin_error

_AT_ONCE = 32

_Given = TypeVar("_Given")


class BatchedResponder:
    """A responder of which much is asked.

    Args:
        responder: The responder.
        owner: The plugin it comes from.
        log: Where to say more of what went wrong.
        progress: Opens progress displays.

    Attributes:
        labels: The emotions it can answer with.
        context_lines: How many lines of context it makes use of.
        tells_scores: Whether it can tell how likely answers are.
    """

    def __init__(self, responder: Responder, owner: str, log: logging.Logger, progress: OpenProgress) -> None:
        self._responder = responder
        self._owner = owner
        self._log = log
        self._progress = progress
        self.labels = responder.labels
        self.context_lines = responder.context_lines
        self.can_score = isinstance(responder, ScoringResponder)

    def replies(self, requests: Sequence[Request]) -> list[str]:
        """Returns what it answers.

        Raises:
            PluginError: It failed, or gave too few or too many replies.
        """
        replies: list[str] = []
        with self._progress("answering", total=len(requests), unit="answers") as progress:
            for batch in _batches(len(requests)):
                given = self._call(self._responder.respond, requests[batch])
                self._expect(len(given) == len(requests[batch]), "gave another number of replies than was asked for")
                replies += [reply.text for reply in given]
                progress.advance(len(given))
        return replies

    def scores(self, requests: Sequence[Request], answers: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Returns how likely it finds answers; only for one that tells scores.

        Raises:
            PluginError: It failed, or gave what are no scores of these answers.
        """
        assert isinstance(self._responder, ScoringResponder)
        scores: list[list[Score]] = []
        with self._progress("scoring", total=len(requests), unit="answers") as progress:
            for batch in _batches(len(requests)):
                given = self._call(self._responder.score, requests[batch], answers[batch])
                fits = list(map(len, given)) == list(map(len, answers[batch]))
                self._expect(fits, "gave another number of scores than was asked for")
                numbers = not any(math.isnan(score.log_p) for told in given for score in told)
                self._expect(numbers, "gave a score that is not a number")
                scores += given
                progress.advance(len(given))
        return scores

    def _call(self, method: Callable[..., list[_Given]], *arguments: Any) -> list[_Given]:
        try:
            return method(*arguments)
        except (AccError, MemoryError):
            raise
        except Exception as error:
            self._log.debug("while answering", exc_info=True)
            raise plugin_error(self._owner, error) from error

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise PluginError(self._owner, f"its responder {otherwise}")


def _batches(number: int) -> Iterator[slice]:
    return (slice(first, first + _AT_ONCE) for first in range(0, number, _AT_ONCE))
