"""An evaluation as an HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autocakechat.display.charts import interval
from autocakechat.display.evaluation_table import COLUMNS, MetricGroup, metric_groups
from autocakechat.display.markup import Cell, Figure, document, render_file
from autocakechat.display.verdict import cautions, verdict
from autocakechat.evaluation.metric_registry import METRICS, Metric, percent
from autocakechat.evaluation.results import Evaluation

_SHARES = ("0 to 1", "share of replies")


def evaluation_page(evaluation: Evaluation, trainer: str, person: str | None = None, date: str | None = None) -> str:
    """Makes the page.

    Args:
        evaluation: The results.
        trainer: The trainer of the model.
        person: The name of the person, if it is known.
        date: When the model was trained, if it is known.

    Returns:
        HTML, see `markup.document`.
    """
    groups = list(metric_groups(evaluation))
    body = render_file(
        "evaluation.html",
        evaluation=evaluation,
        findings=verdict(evaluation),
        cautions=cautions(evaluation),
        rankings=list(_interval_rows(evaluation, "ranking", "random")),
        styles=list(_interval_rows(evaluation, "style", "person")),
        columns=["", *COLUMNS.values()],
        groups=groups,
        value_rows=_value_rows,
        metric_rows=[(row.metric.title, row.metric.help) for group in groups for row in group.rows],
    )
    return document("Evaluation", [body], [person, f"trainer {trainer}", date and f"trained on {date}"])


def _interval_rows(evaluation: Evaluation, group: str, reference: str) -> Iterator[Sequence[Cell]]:
    """Yields a row for each metric of a group from 0 to 1: the bot's interval, and another column as the reference."""
    for metric in METRICS:
        if metric.group != group or metric.unit not in _SHARES:
            continue
        values, margin = evaluation.measures[metric.key], evaluation.margins[metric.key].bot
        other: float | None = getattr(values, reference)
        if values.bot is None or margin is None or not max(values.bot, other or 0):
            continue
        picture = interval(values.bot - margin, values.bot, values.bot + margin, other)
        yield metric.title, picture, _with_margin(metric, values.bot, margin), _figure(metric, other)


def _with_margin(metric: Metric, value: float, margin: float) -> Figure:
    if metric.format is percent:
        return Figure(f"{percent(value)} ± {100 * margin:.0f}")
    return Figure(f"{value:.2f} ± {margin:.2f}")


def _figure(metric: Metric, value: float | None) -> Figure:
    if value is None:
        return Figure("-")
    return Figure(percent(value) if metric.format is percent else f"{value:.2f}")


def _value_rows(group: MetricGroup) -> list[Sequence[Cell]]:
    return [(row.metric.title, *map(Figure, row.cells)) for row in group.rows]
