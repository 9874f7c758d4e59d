"""Charts as SVG. Positions are percentages and texts keep their size, so a chart fits a phone and a wide screen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import attrs
from markupsafe import Markup

from autocakechat.text import escape_lines

_COLUMNS_HEIGHT = 120
_LINES_HEIGHT = 220
_FEWEST_COLUMNS = 5
_MOST_LABELS = 5
_MOST_TICKS = 6
# The labels of the y axis are to the left of the lines.
_PLOT_LEFT, _PLOT_WIDTH = 14, 85
_LOWEST, _HIGHEST = 1e-9, 1e9  # on a logarithmic axis

NamedCounts = Sequence[tuple[str, int]]


@attrs.frozen
class Line:
    """A line of a line chart.

    Attributes:
        name: Its name in the legend.
        points: The x and y values, in order of x.
        markers: Whether every point is marked.
    """

    name: str
    points: Sequence[tuple[float, float]]
    markers: bool = False


def columns(values: NamedCounts) -> Markup:
    """Makes a chart of vertical bars from names and numbers. A few values are shown by `bars`."""
    if len(values) < _FEWEST_COLUMNS or sum(number > 0 for _, number in values) < 2:
        return bars(values)
    largest = max(number for _, number in values)
    step = 100 / len(values)
    rectangles = [
        Markup('<rect x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}"><title>{}: {:,}</title></rect>').format(
            index * step,
            20 + _COLUMNS_HEIGHT * (1 - number / largest),
            0.85 * step,
            _COLUMNS_HEIGHT * number / largest,
            escape_lines(name),
            number,
        )
        for index, (name, number) in enumerate(values)
        if number
    ]
    labels = [_label((index + 0.425) * step, _COLUMNS_HEIGHT + 38, values[index][0]) for index in _spread(len(values))]
    return Markup(
        '<svg class="chart" height="{}" role="img" aria-label="{}"><text x="0" y="12">{:,}</text>'
        '<line class="grid" x1="0" x2="100%" y1="20" y2="20"/>{}'
        '<line class="grid" x1="0" x2="100%" y1="{bottom}" y2="{bottom}"/>{}</svg>'
    ).format(
        _COLUMNS_HEIGHT + 44,
        f"{len(values)} columns, the highest {largest:,}",
        largest,
        Markup().join(rectangles),
        Markup().join(labels),
        bottom=20 + _COLUMNS_HEIGHT,
    )


def bars(values: NamedCounts) -> Markup:
    """Makes a table with a bar, the number and the share of each name.

    Names without a count at both ends are left out. A single name with a count becomes a sentence.
    """
    counted = [index for index, (_, number) in enumerate(values) if number > 0]
    if not counted:
        return Markup("<p>none</p>")
    shown = values[counted[0] : counted[-1] + 1]
    if len(shown) == 1:
        name, number = shown[0]
        return Markup("<p>{}: {:,}</p>").format(escape_lines(name), number)
    total, largest = sum(number for _, number in shown), max(number for _, number in shown)
    rows = [
        Markup('<tr><th scope="row">{}</th><td>{}</td><td class="number">{:,} ({})</td></tr>').format(
            escape_lines(name), bar(number / largest), number, _percentage(number, total)
        )
        for name, number in shown
    ]
    return Markup('<table class="bars">{}</table>').format(Markup().join(rows))


def bar(share: float) -> Markup:
    """Makes a horizontal bar for a table cell."""
    return Markup('<svg class="bar" aria-hidden="true"><rect width="{:.1f}%" height="100%"/></svg>').format(100 * share)


def stacked_bar(values: NamedCounts) -> Markup:
    """Makes a horizontal bar with a segment for each count."""
    total = sum(number for _, number in values) or 1
    segments, start = [], 0
    for index, (name, number) in enumerate(values):
        segment = Markup('<rect class="shade{}" x="{:.1f}%" width="{:.1f}%" height="100%"><title>{}</title></rect>')
        share = number / total
        title = f"{escape_lines(name)}: {100 * share:.0f} %"
        segments.append(segment.format(index, 100 * start / total, 100 * share, title))
        start += number
    return Markup('<svg class="bar" role="img">{}</svg>').format(Markup().join(segments))


def shades(names: Sequence[str]) -> Markup:
    """Makes the legend of `stacked_bar`."""
    return _legend([(f"shade{index}", name) for index, name in enumerate(names)])


def interval(low: float, value: float, high: float, reference: float | None) -> Markup:
    """Makes an interval with its value and a reference for a table cell, on an axis from 0 to 1."""
    low, high = max(low, 0), min(high, 1)
    tick = Markup("")
    if reference is not None:
        tick = Markup('<rect class="reference" x="{:.1f}%" width="3" height="100%"/>').format(99 * reference)
    return Markup(
        '<svg class="interval" aria-hidden="true"><rect class="axis" y="10" width="100%" height="2"/>'
        '<rect class="range" x="{:.1f}%" y="6" width="{:.1f}%" height="10" rx="3"/>{}'
        '<circle cx="{:.1f}%" cy="11" r="5"/></svg>'
    ).format(100 * low, max(100 * (high - low), 0.5), tick, 100 * value)


def line_chart(
    lines: Sequence[Line], labels: Sequence[tuple[float, str]], reference: tuple[str, float] | None = None
) -> Markup:
    """Makes a line chart with a logarithmic y axis.

    Args:
        lines: The lines. Values that are not positive and extreme values are left out.
        labels: Positions and names on the x axis; a few are shown.
        reference: The name and the value of a horizontal line.
    """
    lines = [attrs.evolve(line, points=list(filter(_on_log_axis, line.points))) for line in lines]
    lines = [line for line in lines if line.points]
    if not lines:
        return Markup("<p>none</p>")
    values = [value for line in lines for _, value in line.points] + ([reference[1]] if reference else [])
    axes = _Axes(max(step for line in lines for step, _ in line.points), min(values) / 1.1, max(values) * 1.1)
    shown = [labels[index] for index in _spread(len(labels))]
    return Markup('{}<svg class="chart" height="{}" role="img" aria-label="{}">{}</svg>').format(
        _legend([*((f"line{index}", line.name) for index, line in enumerate(lines))]),
        _LINES_HEIGHT + 26,
        escape_lines(", ".join(f"{line.name}: {_number(line.points[-1][1])} at the end" for line in lines)),
        Markup().join(
            [
                *(axes.tick(value) for value in _ticks(axes.low, axes.high)),
                *([axes.reference(*reference)] if reference else []),
                *(axes.line(index, line) for index, line in reversed(list(enumerate(lines)))),  # the first is on top
                *(_label(axes.x(step), _LINES_HEIGHT + 20, name) for step, name in shown),
            ]
        ),
    )


@attrs.frozen
class _Axes:
    """The axes of a line chart: x from 0 to `right`, y from `low` to `high`, logarithmic."""

    right: float
    low: float
    high: float

    def x(self, step: float) -> float:
        """Returns a position in percent of the width."""
        return _PLOT_LEFT + _PLOT_WIDTH * step / (self.right or 1)

    def y(self, value: float) -> float:
        """Returns a position in pixels."""
        return _LINES_HEIGHT * math.log(self.high / value) / math.log(self.high / self.low)

    def tick(self, value: float) -> Markup:
        return Markup(
            '<text x="0" y="{:.1f}">{}</text><line class="grid" x1="{}%" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        ).format(self.y(value) + 4, _number(value), _PLOT_LEFT, y=self.y(value))

    def reference(self, name: str, value: float) -> Markup:
        return Markup(
            '<line class="reference" x1="{}%" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
            '<text x="100%" y="{:.1f}" text-anchor="end">{}: {}</text>'
        ).format(_PLOT_LEFT, self.y(value) + 16, escape_lines(name), _number(value), y=self.y(value))

    def line(self, index: int, line: Line) -> Markup:
        """Draws a line. Only a nested image without an aspect ratio can place its points by percentages."""
        points = [(self.x(step), self.y(value), value) for step, value in line.points]
        circle = Markup('<circle class="line{}" cx="{:.2f}%" cy="{:.1f}" r="4"><title>{}</title></circle>')
        circles = [circle.format(index, x, y, _number(value)) for x, y, value in points] if line.markers else []
        return Markup(
            '<svg width="100%" height="{height}" viewBox="0 0 100 {height}" preserveAspectRatio="none">'
            '<polyline class="line{}" points="{}" vector-effect="non-scaling-stroke"/></svg>{}'
        ).format(
            index,
            " ".join(f"{x:.2f},{y:.1f}" for x, y, _ in points),
            Markup().join(circles),
            height=_LINES_HEIGHT,
        )


def _on_log_axis(point: tuple[float, float]) -> bool:
    """Returns whether a point is shown: one extreme value would flatten the rest of the line."""
    return _LOWEST <= point[1] <= _HIGHEST


def _legend(entries: Sequence[tuple[str, str]]) -> Markup:
    entry = Markup('<span><svg class="swatch" aria-hidden="true"><rect class="{}"/></svg> {}</span> ')
    return Markup('<p class="legend">{}</p>').format(
        Markup().join(entry.format(style, escape_lines(name)) for style, name in entries)
    )


def _label(x: float, y: float, content: str) -> Markup:
    """Places a label below a chart, inside its width."""
    anchor = "start" if x < 8 else "end" if x > 92 else "middle"
    return Markup('<text x="{:.1f}%" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, escape_lines(content))


def _spread(length: int) -> range:
    """Returns indices from 0 on, at equal distances, `_MOST_LABELS` at most."""
    return range(0, length, max(1, math.ceil((length - 1) / (_MOST_LABELS - 1))))


def _ticks(low: float, high: float) -> list[float]:
    """Returns the round values 1, 2, 5, 10 … on a logarithmic axis: every second or third one if there are many.

    If there are fewer than two, returns a value near each end of the axis.
    """
    ticks = list(_round_values(low, high))
    return ticks[:: 1 + (len(ticks) - 1) // _MOST_TICKS] if len(ticks) > 1 else [low * 1.05, high / 1.05]


def _round_values(low: float, high: float) -> Iterator[float]:
    exponent = math.floor(math.log10(low))
    while 10.0**exponent <= high:
        yield from (factor * 10.0**exponent for factor in (1, 2, 5) if low <= factor * 10.0**exponent <= high)
        exponent += 1


def _percentage(number: int, total: int) -> str:
    share = 100 * number / total
    return f"{share:.0f} %" if share >= 1 or not number else "<1 %"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
