"""The metrics of an evaluation as rows of text, for the terminal and for the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import attrs

from autocakechat.evaluation.metric_registry import GROUP_TITLES, METRICS, Group, Metric
from autocakechat.evaluation.results import Evaluation, Measurement

COLUMNS = {"bot": "bot", "person": "person", "most_frequent": "always same", "random": "at random"}


@attrs.frozen
class Row:
    """A metric with its formatted values.

    Attributes:
        metric: The metric.
        cells: The values of `COLUMNS`, formatted.
    """

    metric: Metric
    cells: Sequence[str]


@attrs.frozen
class MetricGroup:
    """Metrics that are shown in one table."""

    title: str
    rows: Sequence[Row]


def metric_groups(evaluation: Evaluation) -> Iterator[MetricGroup]:
    """Yields all metrics of an evaluation, group by group."""
    for group, title in GROUP_TITLES.items():
        rows = [
            Row(metric, _cells(metric, evaluation.measures[metric.key])) for metric in METRICS if metric.group == group
        ]
        yield MetricGroup(title + _details(group, evaluation), rows)


def _details(group: Group, evaluation: Evaluation) -> str:
    """Returns what the title of a group says about this evaluation."""
    if group == "likelihood":
        return " of each column under the model; under person: the model's perplexity"
    if group == "ranking" and evaluation.candidates:
        return f" among {evaluation.candidates} candidates"
    if group == "variety":
        return f", distinct-n of {evaluation.distinct_words:,} words"
    return ""


def _cells(metric: Metric, measurement: Measurement) -> list[str]:
    return [_formatted(metric, getattr(measurement, column)) for column in COLUMNS]


def _formatted(metric: Metric, value: float | None) -> str:
    if value is None:
        return "-"
    return metric.format(value) if math.isfinite(value) else "∞"
