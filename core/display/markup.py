"""Pages that load nothing from anywhere: one file, with everything that came from outside escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from autocakechat.errors import UserError
from autocakechat.files import write_whole
from autocakechat.text import escape_control_characters

_CHART_WIDTH = 720
_CHART_HEIGHT = 160
_BAR_ROOM = 24

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 760px; margin: 2em auto; padding: 0 1em; color: #222; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25em .75em .25em 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; }
svg { width: 100%; height: auto; } rect { fill: #3a7ca5; } text { font-size: 12px; fill: #555; }
@media (prefers-color-scheme: dark) {
  body { background: #1b1b1b; color: #ddd; } th, td { border-color: #444; } rect { fill: #6fb1d9; } text { fill: #aaa; }
}
"""


class Figure(str):
    """A number as it is to be shown."""

    __slots__ = ()


Cell = str | int
"""What stands in a table: text; or a number, a `Figure` too, at the right side."""


def document(title: str, parts: Iterable[str]) -> str:
    """Makes a page.

    Args:
        title: Its title.
        parts: What stands below the title, as HTML.

    Returns:
        HTML that a browser may show from a file. Its content security policy forbids everything but its own style.
    """
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head>\n<body><h1>{text(title)}</h1>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def write_page(path: Path, page: str) -> None:
    """Writes a page to a file of the user's.

    Raises:
        UserError: That cannot be done.
    """
    try:
        write_whole(path, page.encode())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", "nothing was written") from None


def table(header: Sequence[str], rows: Sequence[Sequence[Cell]], more: int = 0) -> str:
    """Makes a table.

    Args:
        header: Titles of the columns.
        rows: The cells of each row.
        more: How many rows were left out.
    """
    if not rows:
        return "<p>none</p>"
    head = "".join(f"<th{_class(cell)}>{escape(title)}</th>" for title, cell in zip(header, rows[0], strict=True))
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    rest = f"<p>and {more:,} more</p>" if more > 0 else ""
    return f"<table><tr>{head}</tr>{body}</table>{rest}"


def _cell(content: Cell) -> str:
    shown = f"{content:,}" if isinstance(content, int) else text(content)
    return f"<td{_class(content)}>{shown}</td>"


def _class(content: Cell) -> str:
    return ' class="number"' if isinstance(content, int | Figure) else ""


def chart(values: Sequence[tuple[str, int]]) -> str:
    """Makes upright bars of names and numbers, with the first and the last name below."""
    if not values:
        return "<p>none</p>"
    most = max(number for _, number in values) or 1
    width = _CHART_WIDTH / len(values)
    bars = []
    for place, (name, number) in enumerate(values):
        height = _CHART_HEIGHT * number / most
        bars.append(
            f'<rect x="{place * width:.2f}" y="{_CHART_HEIGHT - height:.1f}" width="{max(width - 1, 0.5):.2f}" '
            f'height="{height:.1f}"><title>{text(name)}: {number:,}</title></rect>'
        )
    names = (
        f'<text x="0" y="{_CHART_HEIGHT + 16}">{text(values[0][0])}</text>'
        f'<text x="{_CHART_WIDTH}" y="{_CHART_HEIGHT + 16}" text-anchor="end">{text(values[-1][0])}</text>'
    )
    return f'<svg viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT + _BAR_ROOM}" role="img">{"".join(bars)}{names}</svg>'


def bars(values: Sequence[tuple[str, int]]) -> str:
    """Makes lying bars, each with its name before and its number behind."""
    total = sum(number for _, number in values) or 1
    most = max((number for _, number in values), default=0) or 1
    rows = []
    for place, (name, number) in enumerate(values):
        top = place * _BAR_ROOM
        length = 400 * number / most
        rows.append(
            f'<text x="0" y="{top + 16}">{text(name)}</text>'
            f'<rect x="170" y="{top + 4}" width="{length:.1f}" height="{_BAR_ROOM - 8}"></rect>'
            f'<text x="{178 + length:.1f}" y="{top + 16}">{number:,} ({100 * number / total:.0f} %)</text>'
        )
    return f'<svg viewBox="0 0 {_CHART_WIDTH} {len(values) * _BAR_ROOM}" role="img">{"".join(rows)}</svg>'


def text(content: str) -> str:
    """Escapes text from outside, its control characters made visible."""
    return escape(escape_control_characters(content).encode("utf-8", "replace").decode())
