"""`training.html`: metrics, curves and sample replies of a training, in one page without external resources."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autocakechat import markup
from autocakechat.plugins.trainers.cakechat.training.history import History
from autocakechat.plugins.trainers.cakechat.training.sample_replies import Prompt

_WIDTH, _HEIGHT = 720, 200
_LEFT_MARGIN, _RIGHT_MARGIN, _VERTICAL_MARGIN = 60, 6, 10
_AXIS_HEIGHT = 24
_COLOR = "#3a7ca5"

Points = Sequence[tuple[float, float]]
"""Gradient steps and values."""


def training_page(metrics: Mapping[str, Any], histories: Mapping[str, History], prompts: Sequence[Prompt]) -> str:
    """Makes the page.

    Args:
        metrics: The metrics of the training.
        histories: The history of each network, by its name; the sample replies are those of the first.
        prompts: The prompts of the sample replies.

    Returns:
        HTML.
    """
    rows = [(name.replace("_", " "), _format(value)) for name, value in metrics.items()]
    parts = [markup.table(("metric", "value"), rows)]
    for name, history in histories.items():
        parts += _curves(name, history)
    if prompts:
        parts += _sample_replies(next(iter(histories.values())), prompts)
    return markup.document("Training", parts)


def _curves(name: str, history: History) -> Iterator[str]:
    yield f"<h2>The {markup.text(name)} model</h2>"
    yield (
        f"<p>{history.epochs} epochs in {history.seconds:,.0f} s. The model has the weights of epoch "
        f"{history.best_epoch + 1}, the one with the lowest perplexity.</p>"
    )
    perplexities = list(zip(history.steps, history.perplexities, strict=True))
    yield "<h3>Perplexity</h3><p>On held-out replies, after each epoch; lower is better.</p>"
    yield _line_chart(perplexities, markers=True)
    yield "<h3>Loss</h3><p>Cross-entropy per token on the training set.</p>"
    yield _line_chart([(point.step, point.loss) for point in history.curve])
    yield "<h3>Learning rate</h3>"
    yield _line_chart([(point.step, point.learning_rate) for point in history.curve])


def _sample_replies(history: History, prompts: Sequence[Prompt]) -> Iterator[str]:
    yield "<h2>Sample replies</h2><p>Replies after each epoch to held-out contexts.</p>"
    for index, prompt in enumerate(prompts):
        context = "<br>".join(markup.text(line) for line in prompt.context)
        yield f"<h3>{context or 'empty context'}</h3>"
        rows = [(f"epoch {epoch}", replies[index]) for epoch, replies in enumerate(history.replies, 1)]
        yield markup.table(("", "reply"), [*rows, ("the person", prompt.reply)])


def _line_chart(points: Points, markers: bool = False) -> str:
    """Draws a line chart as SVG: the y axis shows the maximum and the minimum, the x axis the last step."""
    points = [(step, value) for step, value in points if math.isfinite(value)]
    if not points:
        return "<p>none</p>"
    values = [value for _, value in points]
    low, high, last_step = min(values), max(values), max(step for step, _ in points)

    def to_pixels(step: float, value: float) -> tuple[float, float]:
        x = _LEFT_MARGIN + (_WIDTH - _LEFT_MARGIN - _RIGHT_MARGIN) * step / last_step
        height = (value - low) / (high - low) if high > low else 0.5
        return x, _VERTICAL_MARGIN + (_HEIGHT - 2 * _VERTICAL_MARGIN) * (1 - height)

    pixels = [to_pixels(step, value) for step, value in points]
    polyline = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
    circles = ""
    if markers:
        circles = "".join(_marker(x, y, value) for (x, y), value in zip(pixels, values, strict=True))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + _AXIS_HEIGHT}" role="img">'
        f'<polyline points="{polyline}" fill="none" stroke="{_COLOR}" stroke-width="2"/>{circles}'
        f'<text x="0" y="14">{_format(high)}</text><text x="0" y="{_HEIGHT - 6}">{_format(low)}</text>'
        f'<text x="{_LEFT_MARGIN}" y="{_HEIGHT + 16}">step 0</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 16}" text-anchor="end">step {last_step:,.0f}</text></svg>'
    )


def _marker(x: float, y: float, value: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_COLOR}"><title>{_format(value)}</title></circle>'


def _format(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
