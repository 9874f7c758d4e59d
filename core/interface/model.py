"""Trained models: model folders, requests, replies and scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import attrs

from autocakechat.interface.type_checks import require_type


@attrs.frozen
class Request:
    """A conversation that needs a reply.

    Attributes:
        context: The turns so far, oldest first, speakers alternating. The reply is to the last one.
        emotion: The label to condition the reply on.
        chat_kind: The kind of its chat, as in `Origin`: `personal` or `group`; empty if it is unknown.
        person: The pseudonym of who wrote the last turn; empty if it is unknown.
    """

    context: Sequence[str]
    emotion: str = "neutral"
    chat_kind: str = ""
    person: str = ""


@attrs.frozen
class Reply:
    """The reply of a model.

    Attributes:
        text: The text to send.
        candidates: All candidates that were ranked, best first.
        reasons: What each feature of the text adds to its score, by the name of the feature.
    """

    text: str
    candidates: Sequence[str] = ()
    reasons: Mapping[str, float] = attrs.Factory(dict)

    def __attrs_post_init__(self) -> None:
        require_type("Reply.text", self.text, str)
        require_type("Reply.candidates", self.candidates, tuple | list)
        for candidate in self.candidates:
            require_type("a candidate of Reply.candidates", candidate, str)
        require_type("Reply.reasons", self.reasons, Mapping)


class Responder(Protocol):
    """A loaded model that generates replies."""

    @property
    def labels(self) -> Sequence[str]:
        """The labels (emotions) that replies can be conditioned on."""
        ...

    @property
    def context_lines(self) -> int:
        """The number of turns of context that the model uses."""
        ...

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Generates replies for a batch of conversations.

        Args:
            requests: One request per conversation.

        Returns:
            One reply per request, in the same order.
        """
        ...


@attrs.frozen
class Score:
    """The likelihood of a reply.

    Attributes:
        log_p: Natural logarithm of the probability of the whole reply, including its end token.
        tokens: The number of tokens in that sum, with the trainer's tokenization.
    """

    log_p: float
    tokens: int

    def __attrs_post_init__(self) -> None:
        require_type("Score.log_p", self.log_p, Real)
        require_type("Score.tokens", self.tokens, Integral)


@runtime_checkable
class ScoringResponder(Responder, Protocol):
    """A responder that also scores replies, so that `acc evaluate` can measure perplexity and ranking."""

    def score(self, requests: Sequence[Request], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Computes the likelihood of replies for a batch of conversations.

        Args:
            requests: One request per conversation.
            replies: For each request, any number of replies to score.

        Returns:
            For each request, one score per reply, in the same order.
        """
        ...


@runtime_checkable
class RankingResponder(Responder, Protocol):
    """A responder that ranks replies without probabilities, so that `acc evaluate` can measure its ranking.

    If it has `score` too, `acc evaluate` ranks with `rank`.
    """

    def rank(self, requests: Sequence[Request], candidates: Sequence[Sequence[str]]) -> list[list[float]]:
        """Computes how well candidates fit a batch of conversations.

        Args:
            requests: One request per conversation.
            candidates: For each request, any number of replies to rank.

        Returns:
            For each request, one finite number per candidate, in the same order: the higher, the better it fits.
            Numbers are compared within one request only.
        """
        ...


@attrs.frozen
class TrainedModel:
    """A model folder: it contains everything that is needed to load the model, and can be copied to any machine.

    Attributes:
        path: The folder.
        trainer: Name of the trainer that made it.
        metrics: The metrics of the training.
        person: The name of the person whose replies it was trained on; None if unknown.
        created: When it was trained, ISO 8601; None if unknown.
    """

    path: Path
    trainer: str
    metrics: Mapping[str, Any]
    person: str | None = attrs.field(default=None, kw_only=True)
    created: str | None = attrs.field(default=None, kw_only=True)
    _load: Callable[[], Responder] = attrs.field(repr=False, alias="load", kw_only=True)

    def load(self) -> Responder:
        """Loads the model with its trainer and the reply options of the pipeline.

        Raises:
            UserError: The folder is damaged or its trainer is not installed.
        """
        return self._load()
