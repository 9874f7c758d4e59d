"""What a trainer leaves behind and what answers: model folders, requests and replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import attrs


@attrs.frozen
class Request:
    """A conversation that wants an answer.

    Attributes:
        context: The lines said so far, oldest first, speakers taking turns; the last one is to be answered.
        emotion: The label to answer with.
    """

    context: Sequence[str]
    emotion: str = "neutral"


@attrs.frozen
class Reply:
    """An answer.

    Attributes:
        text: What to say.
        candidates: Everything that was considered, best first.
    """

    text: str
    candidates: Sequence[str] = ()


class Responder(Protocol):
    """A loaded model that answers."""

    @property
    def labels(self) -> Sequence[str]:
        """The emotions it can answer with."""
        ...

    @property
    def context_lines(self) -> int:
        """How many lines of context it makes use of."""
        ...

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Answers many conversations at once.

        Args:
            requests: One for each conversation.

        Returns:
            One reply for each request, in the same order.
        """
        ...


@attrs.frozen
class Score:
    """How likely an answer is.

    Attributes:
        log_p: Natural logarithm of the probability of the whole answer, its end included.
        tokens: How many tokens that is the sum over, in the trainer's way of counting them.
    """

    log_p: float
    tokens: int


@runtime_checkable
class ScoringResponder(Responder, Protocol):
    """A responder that also tells how likely given answers are. `acc evaluate` then measures perplexity and ranking."""

    def score(self, requests: Sequence[Request], answers: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Scores answers to many conversations at once.

        Args:
            requests: One for each conversation.
            answers: For each request the answers to score, any number of them.

        Returns:
            For each request one score for each of its answers, in the same order.
        """
        ...


@attrs.frozen
class TrainedModel:
    """A folder that holds all that answering needs; it may be copied anywhere.

    Attributes:
        path: The folder.
        trainer: Name of the trainer that made it.
        metrics: What its training measured.
    """

    path: Path
    trainer: str
    metrics: Mapping[str, Any]
    _load: Callable[[], Responder] = attrs.field(repr=False, alias="load")

    def load(self) -> Responder:
        """Loads the model through its trainer, with the reply options of the pipeline.

        Raises:
            UserError: The folder is damaged or its trainer is not installed.
        """
        return self._load()
