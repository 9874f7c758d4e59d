"""Loads a model with its trainer, and checks what its responder returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autocakechat.interface.model import RankingResponder, Reply, Request, Responder, Score, ScoringResponder
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import TrainerType
from autocakechat.interface.type_checks import describe_value
from autocakechat.registry.plugin_errors import contract_violation, errors_of_plugin


def load_responder(owner: str, trainer: TrainerType, folder: Path, options: Any, run: RunContext) -> Responder:
    """Loads a model. Errors of its responder name the plugin of the trainer, not the one that calls the responder.

    Args:
        owner: The plugin that provides the trainer, as error messages name it.
        trainer: The trainer.
        folder: The model folder.
        options: The reply options.
        run: The run context.

    Raises:
        PluginError: The trainer failed, or did not return a responder.
    """
    with errors_of_plugin(owner, trainer):
        responder = trainer.load(folder, options, run)
        problem = _problem_of_responder(responder)
    if problem:
        raise contract_violation(owner, trainer, f"`load` returns {problem}", function=trainer.load)
    can_score, can_rank = isinstance(responder, ScoringResponder), isinstance(responder, RankingResponder)
    return _CHECKED[can_score, can_rank](responder, owner, trainer)


class CheckedResponder:
    """A responder that checks the replies of another one. Errors name the plugin of that one.

    Args:
        responder: The responder to check.
        owner: The plugin that provides it, as error messages name it.
        trainer: The trainer that loaded it.
    """

    def __init__(self, responder: Any, owner: str, trainer: TrainerType) -> None:
        self._responder = responder
        self._owner = owner
        self._trainer = trainer

    @property
    def labels(self) -> Sequence[str]:
        """The labels that replies can be conditioned on."""
        labels: Sequence[str] = self._responder.labels
        return labels

    @property
    def context_lines(self) -> int:
        """The number of turns of context that the model uses."""
        lines: int = self._responder.context_lines
        return lines

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Generates replies for a batch of conversations.

        Raises:
            PluginError: The responder failed, or did not return one reply per request.
        """
        replies = self._call(self._responder.respond, requests)
        self._check_list("respond", "reply per request", replies, len(requests))
        for reply in replies:
            self._expect(isinstance(reply, Reply), "respond", f"returned a list with {_kind(reply)}, expected Reply")
        return list(replies)

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        with errors_of_plugin(self._owner, self._trainer):
            return method(*arguments)

    def _check_list(self, method: str, item: str, returned: Any, expected: int) -> None:
        """Checks that a method returned a list of the expected length."""
        is_list = isinstance(returned, Sequence) and not isinstance(returned, str)
        count = len(returned) if is_list else None
        actual = f"{_kind(returned)}, expected a list" if count is None else f"{count} for {expected}"
        self._expect(count == expected, method, f"did not return one {item}: {actual}")

    def _expect(self, condition: bool, method: str, violation: str) -> None:
        if not condition:
            function = getattr(self._responder, method)
            raise contract_violation(self._owner, self._trainer, f"its responder {violation}", function=function)


class CheckedScoringResponder(CheckedResponder):
    """A responder that also checks the scores of another one."""

    def score(self, requests: Sequence[Request], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Computes the likelihood of replies for a batch of conversations.

        Raises:
            PluginError: The responder failed, or did not return one score per reply.
        """
        scores = self._call(self._responder.score, requests, replies)
        self._check_list("score", "score per reply", scores, len(requests))
        for scores_of_request, replies_of_request in zip(scores, replies, strict=True):
            self._check_list("score", "score per reply", scores_of_request, len(replies_of_request))
            for score in scores_of_request:
                self._expect(isinstance(score, Score), "score", f"returned a list with {_kind(score)}, expected Score")
                self._expect(not math.isnan(score.log_p), "score", "returned a score that is NaN")
        return list(map(list, scores))


class CheckedRankingResponder(CheckedResponder):
    """A responder that also checks the ranking of another one."""

    def rank(self, requests: Sequence[Request], candidates: Sequence[Sequence[str]]) -> list[list[float]]:
        """Computes how well candidates fit a batch of conversations.

        Raises:
            PluginError: The responder failed, or did not return one finite number per candidate.
        """
        ranks = self._call(self._responder.rank, requests, candidates)
        self._check_list("rank", "number per candidate", ranks, len(requests))
        for ranks_of_request, candidates_of_request in zip(ranks, candidates, strict=True):
            self._check_list("rank", "number per candidate", ranks_of_request, len(candidates_of_request))
            for number in ranks_of_request:
                is_number = isinstance(number, float | int)
                self._expect(is_number, "rank", f"returned a list with {_kind(number)}, expected a number")
                self._expect(math.isfinite(number), "rank", "ranked with a number that is not finite")
        return list(map(list, ranks))


class CheckedScoringRankingResponder(CheckedScoringResponder, CheckedRankingResponder):
    """A responder that checks the scores and the ranking of another one."""


_CHECKED: dict[tuple[bool, bool], type[CheckedResponder]] = {
    (False, False): CheckedResponder,
    (True, False): CheckedScoringResponder,
    (False, True): CheckedRankingResponder,
    (True, True): CheckedScoringRankingResponder,
}
"""The class for a responder that can score, that can rank."""


def _problem_of_responder(responder: Any) -> str | None:
    if not callable(getattr(responder, "respond", None)):
        return f"{describe_value(responder)}, expected a Responder: an object with the method `respond`"
    for name in ("labels", "context_lines"):
        if not hasattr(responder, name):
            return f"{describe_value(responder)} without the attribute `{name}`, expected a Responder"
    labels, lines = responder.labels, responder.context_lines
    if isinstance(labels, str) or not isinstance(labels, Sequence) or not all(isinstance(item, str) for item in labels):
        return f"a responder whose labels are {describe_value(labels)}, expected a tuple of str, such as ('neutral',)"
    if not isinstance(lines, int) or lines < 1:
        return f"a responder whose context_lines is {describe_value(lines)}, expected an int, 1 or more"
    return None


def _kind(value: object) -> str:
    return type(value).__name__
