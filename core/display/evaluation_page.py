"""An evaluation as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autocakechat.display.evaluation_table import COLUMNS, groups
from autocakechat.display.markup import Figure, document, table, text
from autocakechat.evaluation.evaluate import Evaluation, Example
from autocakechat.text import pluralize


def evaluation_page(evaluation: Evaluation, about: Sequence[tuple[str, str]]) -> str:
    """Makes the page.

    Args:
        evaluation: What came out.
        about: What was measured: names and values.

    Returns:
        HTML, see `markup.document`.
    """
    return document("Evaluation of a bot", _parts(evaluation, about))


def _parts(evaluation: Evaluation, about: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield table(("", ""), about)
    yield (
        f"<p>{pluralize(evaluation.samples, 'moment')} in which the person answered, of {evaluation.available:,} that "
        "are kept apart from training. The bot stands beside the person's own answers, beside a bot that always says "
        f"the person's most frequent answer, <q>{text(evaluation.most_frequent_answer)}</q>, and beside one that gives "
        "any of the person's answers.</p>"
    )
    if evaluation.notes:
        yield "".join(f"<p>{text(note)}</p>" for note in evaluation.notes)
    shown = list(groups(evaluation))
    for group in shown:
        yield f"<h2>{text(group.title)}</h2>"
        rows = [(row.title, *map(Figure, row.cells)) for row in group.rows]
        yield table(("", *COLUMNS.values()), rows)
    yield "<h2>What the measures mean</h2>"
    yield table(("measure", "meaning"), [(row.title, row.meaning) for group in shown for row in group.rows])
    if evaluation.examples:
        yield "<h2>Examples</h2>"
        yield from map(_example, evaluation.examples)


def _example(example: Example) -> str:
    said = [("before", line) for line in example.context]
    return table(("who", "what"), [*said, ("person", example.person), ("bot", example.bot)])
