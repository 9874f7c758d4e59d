"""An evaluation as an HTML page."""

from __future__ import annotations

from collections.abc import Sequence

from autocakechat.display.evaluation_table import MetricGroup, metric_groups, model_titles
from autocakechat.display.evaluation_text import notes
from autocakechat.display.markup import Cell, Figure, document, render
from autocakechat.evaluation.results import Evaluation, ExampleReplies


def evaluation_page(evaluation: Evaluation, about: Sequence[tuple[str, str]]) -> str:
    """Makes the page.

    Args:
        evaluation: The results.
        about: Names and values that identify the models and the corpus.

    Returns:
        HTML, see `markup.document`.
    """
    groups = list(metric_groups(evaluation))
    titles = model_titles(evaluation)

    def example_rows(example: ExampleReplies) -> list[Sequence[Cell]]:
        context = [("context", line) for line in example.context]
        return [*context, ("person", example.person), *zip(titles, example.replies.values(), strict=True)]

    body = render(
        "evaluation.html",
        evaluation=evaluation,
        about=about,
        notes=list(notes(evaluation)),
        groups=groups,
        value_rows=_value_rows,
        metric_rows=[(row.metric.title, row.metric.help) for group in groups for row in group.rows],
        example_rows=example_rows,
    )
    return document("Evaluation", [body])


def _value_rows(group: MetricGroup) -> list[Sequence[Cell]]:
    return [(row.metric.title, *map(Figure, row.cells)) for row in group.rows]
