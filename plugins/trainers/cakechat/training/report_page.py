"""`training.html`: how a training went, as one page that loads nothing from anywhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autocakechat import markup
from autocakechat.plugins.trainers.cakechat.training.history import History
from autocakechat.plugins.trainers.cakechat.training.sample_replies import Scene

_WIDTH, _HEIGHT, _LEFT, _BELOW = 720, 200, 60, 24

Places = Sequence[tuple[float, float]]


def training_page(metrics: Mapping[str, Any], histories: Mapping[str, History], scenes: Sequence[Scene]) -> str:
    """Makes the page.

    Args:
        metrics: What the training measured.
        histories: The history of each network, by its name.
        scenes: What the first one was asked after each epoch.

    Returns:
        HTML.
    """
    figures = [(name.replace("_", " "), _figure(value)) for name, value in metrics.items()]
    parts = [markup.table(("measured", "figure"), figures)]
    for name, history in histories.items():
        parts += _curves(name, history)
    if scenes:
        parts += _replies(next(iter(histories.values())), scenes)
    return markup.document("Training", parts)


def _curves(name: str, history: History) -> Iterator[str]:
    yield f"<h2>The {markup.text(name)} model</h2>"
    yield (
        f"<p>{len(history.losses)} epochs in {history.seconds:,.0f} s. Epoch {history.best + 1} was the best and is "
        "kept.</p>"
    )
    ends = list(zip(history.steps, history.perplexities, strict=True))
    yield "<h3>Perplexity</h3><p>On answers that were not learnt from, after each epoch; lower is better.</p>"
    yield _chart(ends, dots=True)
    yield "<h3>Loss</h3><p>Of each token, while learning.</p>"
    yield _chart([(point.step, point.loss) for point in history.curve])
    yield "<h3>Learning rate</h3>"
    yield _chart([(point.step, point.learning_rate) for point in history.curve])


def _replies(history: History, scenes: Sequence[Scene]) -> Iterator[str]:
    yield "<h2>What it said</h2><p>Answers after each epoch to lines that were not learnt from.</p>"
    for number, scene in enumerate(scenes):
        yield f"<h3>{'<br>'.join(markup.text(line) for line in scene.context) or 'to nothing'}</h3>"
        rows = [(f"epoch {epoch}", replies[number]) for epoch, replies in enumerate(history.replies, 1)]
        yield markup.table(("who", "answer"), [*rows, ("the person", scene.answer)])


def _chart(places: Places, dots: bool = False) -> str:
    """A line, with the highest and lowest value at its left and the last step below."""
    places = [(step, value) for step, value in places if math.isfinite(value)]
    if not places:
        return "<p>none</p>"
    values = [value for _, value in places]
    low, high, last = min(values), max(values), max(step for step, _ in places)

    def at(step: float, value: float) -> tuple[float, float]:
        height = (value - low) / (high - low) if high > low else 0.5
        return _LEFT + (_WIDTH - _LEFT - 6) * step / last, 10 + (_HEIGHT - 20) * (1 - height)

    drawn = [at(*place) for place in places]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#3a7ca5"><title>{_figure(value)}</title></circle>'
        for (x, y), (_, value) in zip(drawn, places, strict=True)
        if dots
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + _BELOW}" role="img">'
        f'<polyline points="{line}" fill="none" stroke="#3a7ca5" stroke-width="2"/>{marks}'
        f'<text x="0" y="14">{_figure(high)}</text><text x="0" y="{_HEIGHT - 6}">{_figure(low)}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT + 16}">step 0</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 16}" text-anchor="end">step {last:,.0f}</text></svg>'
    )


def _figure(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
