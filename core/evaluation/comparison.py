"""Measures the replies of several models beside those of the person and of baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from autocakechat.evaluation.intervals import Interval, Intervals
from autocakechat.evaluation.results import Measurement

Measure = Callable[[Sequence[str], Intervals], Mapping[str, Interval]]
"""Measures replies, one per held-out example: returns values with intervals by metric key."""

Measurements = Mapping[str, Mapping[str, Measurement]]
"""Measurements by model and metric key."""


@attrs.frozen
class Columns:
    """Replies to the same held-out examples.

    Attributes:
        models: The replies of each model.
        person: The person's true replies.
        baselines: The replies of each baseline.
        intervals: Computes the intervals of the models' values.
    """

    models: Mapping[str, Sequence[str]]
    person: Sequence[str]
    baselines: Mapping[str, Sequence[str]]
    intervals: Intervals

    def compare(self, measure: Measure) -> Measurements:
        """Returns the measurements of each model."""
        values = self.intervals.without_ends()
        person = measure(self.person, values)
        baselines = {name: measure(replies, values) for name, replies in self.baselines.items()}
        return {
            name: {
                key: Measurement.of(
                    interval,
                    person[key].value,
                    {baseline: measured[key].value for baseline, measured in baselines.items()},
                )
                for key, interval in measure(replies, self.intervals).items()
            }
            for name, replies in self.models.items()
        }

    def texts(self) -> set[str]:
        """Returns all replies."""
        return {text for replies in (*self.models.values(), self.person, *self.baselines.values()) for text in replies}
