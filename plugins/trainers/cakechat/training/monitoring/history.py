"""Training history: losses, perplexities and sample replies. `training.json` holds it under the same names."""

from __future__ import annotations

from collections.abc import Callable

import attrs

_CURVE_POINTS = 300


@attrs.frozen
class CurvePoint:
    """A point of the loss and learning-rate curves.

    Attributes:
        step: Gradient steps so far.
        loss: Mean loss since the previous point, in nats per target token.
        learning_rate: Learning rate of the next step.
    """

    step: int
    loss: float
    learning_rate: float


@attrs.define
class History:
    """The history of one training. The lists `losses` to `replies` have one entry per finished epoch.

    Attributes:
        losses: Mean training loss, in nats per target token.
        perplexities: Perplexity on the validation samples.
        steps: Gradient steps at the end of the epoch.
        times: Seconds of training at the end of the epoch.
        replies: Sample replies to the same prompts.
        curve: Loss and learning rate, a few hundred points at most.
        recent: Losses since the last point of the curve.
        seconds: Seconds of training so far.
    """

    losses: list[float] = attrs.field(factory=list)
    perplexities: list[float] = attrs.field(factory=list)
    steps: list[int] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)
    replies: list[list[str]] = attrs.field(factory=list)
    curve: list[CurvePoint] = attrs.field(factory=list)
    recent: list[float] = attrs.field(factory=list)
    seconds: float = 0.0

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.perplexities)

    @property
    def best_epoch(self) -> int:
        """Index of the epoch with the lowest perplexity; -1 before the first is finished."""
        return min(range(self.epochs), key=self.perplexities.__getitem__, default=-1)

    @property
    def epochs_without_improvement(self) -> int:
        """Finished epochs since the best one."""
        return self.epochs - 1 - self.best_epoch

    def add_step(
        self, loss: float, step: int, total_steps: int, learning_rate: Callable[[], float]
    ) -> CurvePoint | None:
        """Records the loss of a gradient step.

        Args:
            loss: Mean loss of the mini-batch.
            step: Gradient steps so far, this one included.
            total_steps: Maximum number of gradient steps of the training.
            learning_rate: Returns the learning rate; called only for a new point, since evaluating the schedule takes
                time.

        Returns:
            The new point of the curve, if this step completes one.
        """
        self.recent.append(loss)
        if len(self.recent) < max(1, total_steps // _CURVE_POINTS):
            return None
        point = CurvePoint(step, sum(self.recent) / len(self.recent), learning_rate())
        self.curve.append(point)
        self.recent = []
        return point


def _discard_scalar(name: str, value: float, step: int) -> None:
    """Logs nothing."""


@attrs.frozen
class TrainingCallbacks:
    """Functions that the training loop calls.

    Attributes:
        sample_replies: Generates the sample replies; called after each epoch.
        log_scalar: Logs a value of a curve: its name, its value, and the gradient steps so far.
    """

    sample_replies: Callable[[], list[str]] = list
    log_scalar: Callable[[str, float, int], None] = _discard_scalar
