"""An evaluation as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from autocakechat.display.evaluation_table import PERSON, MetricGroup, column_help, metric_groups, model_titles
from autocakechat.display.verdict import cautions, verdict
from autocakechat.evaluation.results import Evaluation, ExampleReplies
from autocakechat.text import escape_control_characters

_TITLE_WIDTH = 24
_COLUMN_WIDTH = 12
_PIPE_WIDTH = 160


def print_evaluation(evaluation: Evaluation, about: Sequence[tuple[str, str]]) -> None:
    """Prints all tables, notes and examples.

    Args:
        evaluation: The results.
        about: Names and values that identify the models and the corpus.
    """
    for name, value in about:
        click.echo(f"{name}: {escape_control_characters(value)}")
    click.echo(f"{evaluation.samples:,} of {evaluation.available:,} held-out replies")
    groups = list(metric_groups(evaluation))
    click.echo("\nColumns (±: half the 95 % confidence interval)")
    for title, meaning in column_help(groups, evaluation):
        click.echo(f"{title:<{_COLUMN_WIDTH}} {escape_control_characters(meaning)}")
    for group in groups:
        _print_group(group)
    for title, model in zip(model_titles(evaluation), evaluation.models.values(), strict=True):
        click.echo("" if len(evaluation.models) == 1 else f"\n{escape_control_characters(title)}")
        for finding in verdict(model):
            click.echo(str(finding))
    click.echo()
    for caution in cautions(evaluation):
        click.echo(f"note: {escape_control_characters(caution)}")
    for example in evaluation.examples:
        click.echo("")
        for line in _lines(example, model_titles(evaluation)):
            click.echo(line)


def _print_group(group: MetricGroup) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        box=None, padding=(0, 1), pad_edge=False, title=f"\n{group.title}", title_justify="left", title_style="bold"
    )
    table.add_column(width=_TITLE_WIDTH)
    for title in group.columns:
        table.add_column(escape_control_characters(title), justify="right")
    for row in group.rows:
        table.add_row(row.metric.title, *row.cells)
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _PIPE_WIDTH)
    console.print(table)


def _lines(example: ExampleReplies, titles: Sequence[str]) -> Iterator[str]:
    width = max(map(len, (PERSON, *titles)))
    yield from (f"{'':{width}}   {escape_control_characters(line)}" for line in example.context)
    for title, reply in ((PERSON, example.person), *zip(titles, example.replies.values(), strict=True)):
        yield f"{escape_control_characters(title):>{width}} < {escape_control_characters(reply)}"
