"""The metrics of an evaluation as rows of text, for the terminal and for the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import attrs

from autocakechat.evaluation.metric import BASELINES, Group, Metric
from autocakechat.evaluation.metric_registry import GROUP_TITLES, METRICS
from autocakechat.evaluation.results import Evaluation, Measurement

PERSON = "person"
"""The name of the column of the person."""

_ONLY_MODEL = "bot"


@attrs.frozen
class Row:
    """A metric with its formatted values.

    Attributes:
        metric: The metric.
        cells: The values of the columns of its group, formatted.
    """

    metric: Metric
    cells: Sequence[str]


@attrs.frozen
class MetricGroup:
    """Metrics that are shown in one table.

    Attributes:
        title: The title of the table.
        columns: The names of its columns: the models, the person, and the baselines that these metrics have.
        rows: The metrics.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]


def metric_groups(evaluation: Evaluation) -> Iterator[MetricGroup]:
    """Yields the metrics that were measured, group by group."""
    for group, title in GROUP_TITLES.items():
        metrics = [metric for metric in METRICS if metric.group == group and _is_measured(metric, evaluation)]
        if not metrics:
            continue
        measured = [[model.measures[metric.key] for model in evaluation.models.values()] for metric in metrics]
        has_person = any(own.person is not None for row in measured for own in row)
        baselines = [
            key for key in BASELINES if any(own.baselines.get(key) is not None for row in measured for own in row)
        ]
        yield MetricGroup(
            title + _details(group, evaluation),
            [
                *model_titles(evaluation),
                *([PERSON] if has_person else []),
                *(BASELINES[key].title for key in baselines),
            ],
            [
                Row(metric, list(_cells(metric, row, has_person, baselines)))
                for metric, row in zip(metrics, measured, strict=True)
            ],
        )


def column_help(groups: Iterable[MetricGroup], evaluation: Evaluation) -> list[tuple[str, str]]:
    """Returns the names and the meanings of the columns beside the models, in the order of the groups."""
    meanings = {PERSON: "the person's true replies to the same messages"}
    meanings |= {baseline.title: baseline.help for baseline in BASELINES.values()}
    meanings[BASELINES["most_frequent"].title] += f": {evaluation.most_frequent_answer}"
    shown = {column for group in groups for column in group.columns}
    return [(title, meaning) for title, meaning in meanings.items() if title in shown]


def _is_measured(metric: Metric, evaluation: Evaluation) -> bool:
    return any(model.measures[metric.key] != Measurement() for model in evaluation.models.values())


def model_titles(evaluation: Evaluation) -> list[str]:
    """Returns the names of the columns of the models."""
    return list(evaluation.models) if len(evaluation.models) > 1 else [_ONLY_MODEL]


def _details(group: Group, evaluation: Evaluation) -> str:
    """Returns what the title of a group says about this evaluation."""
    if group == "likelihood":
        return " of each column (person: the model's perplexity)"
    if group == "ranking" and evaluation.candidates:
        return f" among {evaluation.candidates} candidates"
    if group == "variety":
        return f", distinct-n of {evaluation.distinct_words:,} words"
    return ""


def _cells(metric: Metric, row: Sequence[Measurement], has_person: bool, baselines: Sequence[str]) -> Iterator[str]:
    """Yields the value of each model with its margin, the person's value, and those of the baselines.

    The person and the baselines are the same for all models, except for the likelihoods under a model: these are shown
    for each model.
    """
    for own in row:
        yield with_margin(metric, own)
    if has_person:
        yield _joined(metric, [own.person for own in row])
    for baseline in baselines:
        yield _joined(metric, [own.baselines.get(baseline) for own in row])


def _joined(metric: Metric, values: Sequence[float | None]) -> str:
    """Formats a value of several models: once if it is the same for all that have one."""
    return " / ".join(dict.fromkeys(formatted(metric, value) for value in values if value is not None)) or "-"


def with_margin(metric: Metric, own: Measurement) -> str:
    """Formats a value with half its interval."""
    if own.value is None or own.low is None or own.high is None or not math.isfinite(own.low + own.high):
        return formatted(metric, own.value)
    value, margin = metric.format(own.value), metric.format((own.high - own.low) / 2)
    number, space, unit = value.partition(" ")
    return f"{number} ± {margin.removesuffix(space + unit)}{space}{unit}"


def formatted(metric: Metric, value: float | None) -> str:
    """Formats a value."""
    if value is None:
        return "-"
    return metric.format(value) if math.isfinite(value) else "∞"
