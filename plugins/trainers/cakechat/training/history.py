"""What came of a training: curves, and what the network said on the way."""

from __future__ import annotations

from collections.abc import Callable

import attrs

_POINTS = 300


@attrs.frozen
class Point:
    """A point of the curves.

    Attributes:
        step: Gradient steps taken.
        loss: Mean loss since the point before.
        learning_rate: Length of the last step.
    """

    step: int
    loss: float
    learning_rate: float


@attrs.define
class History:
    """What has come of a training so far.

    Attributes:
        losses: Mean loss of each finished epoch.
        perplexities: Perplexity on the validation samples after each.
        steps: Gradient steps taken by the end of each.
        times: Seconds spent by the end of each.
        replies: What the network answered to the same few lines after each.
        curve: Some points of the way, at most some hundred.
        recent: Losses since the last of them.
        seconds: Time spent in all.
    """

    losses: list[float] = attrs.field(factory=list)
    perplexities: list[float] = attrs.field(factory=list)
    steps: list[int] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)
    replies: list[list[str]] = attrs.field(factory=list)
    curve: list[Point] = attrs.field(factory=list)
    recent: list[float] = attrs.field(factory=list)
    seconds: float = 0.0

    @property
    def best(self) -> int:
        """The epoch with the lowest perplexity, counted from zero; -1 before the first."""
        return min(range(len(self.perplexities)), key=self.perplexities.__getitem__, default=-1)

    def add_step(self, loss: float, step: int, last_step: int, learning_rate: Callable[[], float]) -> Point | None:
        """Notes a gradient step.

        Args:
            loss: Its loss.
            step: Steps taken, this one included.
            last_step: Steps that the whole training may take.
            learning_rate: Tells the length of the step.

        Returns:
            The point that it ends, if it ends one.
        """
        self.recent.append(loss)
        if len(self.recent) < max(1, last_step // _POINTS):
            return None
        point = Point(step, sum(self.recent) / len(self.recent), learning_rate())
        self.curve.append(point)
        self.recent = []
        return point


def _nothing(name: str, value: float, step: int) -> None:
    """Writes nothing down."""


@attrs.frozen
class Onlooker:
    """What looks on while a network learns.

    Attributes:
        replies: Has the network answer a few lines, after each epoch.
        write: Takes a figure: its name, its value, and the steps taken.
    """

    replies: Callable[[], list[str]] = list
    write: Callable[[str, float, int], None] = _nothing
