"""An evaluation as an HTML page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from autocakechat.display.charts import interval
from autocakechat.display.evaluation_table import (
    PERSON,
    MetricGroup,
    column_help,
    formatted,
    metric_groups,
    model_titles,
    with_margin,
)
from autocakechat.display.markup import Cell, Figure, document, render_file
from autocakechat.display.verdict import cautions, verdict
from autocakechat.evaluation.metric import Group
from autocakechat.evaluation.metric_registry import METRICS
from autocakechat.evaluation.results import Evaluation, ExampleReplies, Measurement

# The ends of the axes of the metrics that have some.
_AXES = {
    "0 to 1": 1,
    "share of replies": 1,
    "share of words": 1,
    "share of strings": 1,
    "share of characters": 1,
    "0 to 100": 100,
}


def evaluation_page(evaluation: Evaluation, about: Sequence[str | None]) -> str:
    """Makes the page.

    Args:
        evaluation: The results.
        about: What identifies the models, such as the person and the trainer. None is left out.

    Returns:
        HTML, see `markup.document`.
    """
    groups = list(metric_groups(evaluation))
    titles = model_titles(evaluation)
    body = render_file(
        "evaluation.html",
        evaluation=evaluation,
        verdicts=[(title, verdict(model)) for title, model in zip(titles, evaluation.models.values(), strict=True)],
        cautions=cautions(evaluation),
        rankings=list(_interval_rows(evaluation, "ranking", "chance")),
        relevances=list(_interval_rows(evaluation, "relevance", PERSON)),
        likenesses=list(_interval_rows(evaluation, "likeness", PERSON)),
        copies=list(_interval_rows(evaluation, "copying", PERSON)),
        canaries=list(_interval_rows(evaluation, "canaries", "untrained")),
        styles=list(_interval_rows(evaluation, "style", PERSON)),
        groups=groups,
        value_rows=_value_rows,
        column_rows=column_help(groups, evaluation),
        metric_rows=[(row.metric.title, row.metric.help) for group in groups for row in group.rows],
        replies=lambda example: _replies(example, titles),
    )
    return document("Evaluation", [body], about)


def _interval_rows(evaluation: Evaluation, group: Group, reference: str) -> Iterator[Sequence[Cell]]:
    """Yields a row for each metric with a limited axis and each model: its interval, and a reference."""
    for metric in METRICS:
        if metric.group != group or metric.unit not in _AXES:
            continue
        end = _AXES[metric.unit]
        for title, model in zip(model_titles(evaluation), evaluation.models.values(), strict=True):
            own = model.measures[metric.key]
            other = _reference(own, reference)
            if own.value is None or own.low is None or own.high is None:
                continue
            if not max(own.value, other or 0) and group != "canaries":  # none of a few strings is a result, too
                continue
            at = None if other is None else other / end
            picture = interval(own.low / end, own.value / end, own.high / end, at)
            name = metric.title if len(evaluation.models) == 1 else f"{metric.title}: {title}"
            yield name, picture, Figure(with_margin(metric, own)), Figure(formatted(metric, other))


def _reference(own: Measurement, name: str) -> float | None:
    value = own.person if name == PERSON else own.baselines.get(name)
    return value if value is None or math.isfinite(value) else None


def _replies(example: ExampleReplies, titles: Sequence[str]) -> list[tuple[str, str]]:
    """Returns the author and the text of each reply to an example."""
    return [(PERSON, example.person), *zip(titles, example.replies.values(), strict=True)]


def _value_rows(group: MetricGroup) -> list[Sequence[Cell]]:
    return [(row.metric.title, *map(Figure, row.cells)) for row in group.rows]
