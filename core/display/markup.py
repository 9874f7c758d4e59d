"""HTML pages in one file that load nothing from other places. Every text is escaped by the template engine."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autocakechat.errors import UserError
from autocakechat.files import write_whole
from autocakechat.text import escape_control_characters

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = Path(__file__).with_name("templates")
_CHART_WIDTH = 720
_CHART_HEIGHT = 160
_BAR_HEIGHT = 24


class Figure(str):
    """A formatted number."""

    __slots__ = ()


Cell = str | int
"""A table cell: text, or a number (an integer or a `Figure`), which is aligned to the right."""


def document(title: str, parts: Iterable[str]) -> str:
    """Makes a page.

    Args:
        title: Its title.
        parts: Its content below the title, as HTML.

    Returns:
        HTML for a file. Its content security policy forbids everything but its own style.
    """
    style = (_TEMPLATES / "style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return render("document.html", title=title, policy=policy, style=style, body="\n".join(parts))


def render(template: str, **values: object) -> str:
    """Renders a template of this package. Strings are escaped; `table`, `chart` and `bars` are available in it."""
    return _environment().get_template(template).render(**values)


def write_page(path: Path, page: str) -> None:
    """Writes a page to a file.

    Raises:
        UserError: The file cannot be written.
    """
    try:
        write_whole(path, page.encode())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", "nothing was written") from None


def table(header: Sequence[str], rows: Sequence[Sequence[Cell]], more: int = 0) -> str:
    """Makes a table.

    Args:
        header: The titles of the columns.
        rows: The cells of each row.
        more: The number of rows that were left out.
    """
    return render("table.html", header=header, rows=rows, more=more)


def chart(values: Sequence[tuple[str, int]]) -> str:
    """Makes a chart of vertical bars from names and numbers, labelled with the first and the last name."""
    if not values:
        return "<p>none</p>"
    largest = max(number for _, number in values) or 1
    width = _CHART_WIDTH / len(values)
    rectangles = []
    for index, (name, number) in enumerate(values):
        height = _CHART_HEIGHT * number / largest
        rectangles.append(
            f'<rect x="{index * width:.2f}" y="{_CHART_HEIGHT - height:.1f}" width="{max(width - 1, 0.5):.2f}" '
            f'height="{height:.1f}"><title>{text(name)}: {number:,}</title></rect>'
        )
    labels = (
        f'<text x="0" y="{_CHART_HEIGHT + 16}">{text(values[0][0])}</text>'
        f'<text x="{_CHART_WIDTH}" y="{_CHART_HEIGHT + 16}" text-anchor="end">{text(values[-1][0])}</text>'
    )
    size = f"{_CHART_WIDTH} {_CHART_HEIGHT + _BAR_HEIGHT}"
    return f'<svg viewBox="0 0 {size}" role="img">{"".join(rectangles)}{labels}</svg>'


def bars(values: Sequence[tuple[str, int]]) -> str:
    """Makes a chart of horizontal bars, each with its name, its number and its share."""
    total = sum(number for _, number in values) or 1
    largest = max((number for _, number in values), default=0) or 1
    rows = []
    for index, (name, number) in enumerate(values):
        top = index * _BAR_HEIGHT
        length = 400 * number / largest
        rows.append(
            f'<text x="0" y="{top + 16}">{text(name)}</text>'
            f'<rect x="170" y="{top + 4}" width="{length:.1f}" height="{_BAR_HEIGHT - 8}"></rect>'
            f'<text x="{178 + length:.1f}" y="{top + 16}">{number:,} ({100 * number / total:.0f} %)</text>'
        )
    return f'<svg viewBox="0 0 {_CHART_WIDTH} {len(values) * _BAR_HEIGHT}" role="img">{"".join(rows)}</svg>'


def text(content: str) -> str:
    """Escapes text for HTML and makes its control characters visible."""
    from markupsafe import escape

    return str(escape(_printable(content)))


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: object) -> object:
        if isinstance(value, Markup):
            return value
        if isinstance(value, int):
            return f"{value:,}"
        return _printable(value) if isinstance(value, str) else value

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for make in (table, chart, bars):
        environment.globals[make.__name__] = _as_markup(make)
    environment.globals["number_class"] = _number_class
    return environment


def _as_markup(make: Callable[..., str]) -> Callable[..., Markup]:
    """Marks the HTML that a function returns as safe, so that a template does not escape it again."""
    from markupsafe import Markup

    return lambda *arguments, **options: Markup(make(*arguments, **options))  # noqa: S704 - it is our own HTML


def _number_class(cell: Cell) -> Markup:
    from markupsafe import Markup

    return Markup(' class="number"') if isinstance(cell, int | Figure) else Markup("")


def _printable(content: str) -> str:
    return escape_control_characters(content).encode("utf-8", "replace").decode()
