"""The course of a training. `training.json` contains it under the same names."""

from __future__ import annotations

import attrs


@attrs.frozen
class Evaluation:
    """A measurement on held-out replies.

    Attributes:
        step: Gradient steps so far.
        bits_per_character: Mean of -log2 p of the held-out replies, per character.
        perplexity: exp of the mean of -log p per token.
        replies: The bot's replies to the same few held-out contexts.
    """

    step: int
    bits_per_character: float
    perplexity: float
    replies: list[str] = attrs.field(factory=list)


@attrs.define
class History:
    """The course of a training.

    Attributes:
        steps: Gradient steps so far.
        losses: Mean training loss of each part of the training, in nats per learnt token: pairs of step and loss.
        evaluations: Measurements on held-out replies. The first is that of the base, before the training.
        recent: Sum of losses and number of learnt tokens since the last pair of `losses`.
        tokens: Tokens so far, padding excluded.
        seconds: Seconds of training so far, those of evaluations included.
        step_seconds: Seconds of gradient steps so far.
    """

    steps: int = 0
    losses: list[tuple[int, float]] = attrs.field(factory=list)
    evaluations: list[Evaluation] = attrs.field(factory=list)
    recent: tuple[float, int] = (0.0, 0)
    tokens: int = 0
    seconds: float = 0.0
    step_seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """The tokens that a gradient step learns from in a second."""
        return self.tokens / max(1e-9, self.step_seconds)

    @property
    def best(self) -> int:
        """The number of the evaluation with the fewest bits per character; -1 before the first."""
        figures = [found.bits_per_character for found in self.evaluations]
        return min(range(len(figures)), key=figures.__getitem__, default=-1)

    @property
    def without_improvement(self) -> int:
        """The number of evaluations since the best one."""
        return len(self.evaluations) - 1 - self.best
