"""HTML pages in one file that load nothing from other places. Every text is escaped by the template engine."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from autocakechat.display.charts import Line, bar, bars, columns, interval, line_chart, shades, stacked_bar
from autocakechat.errors import UserError
from autocakechat.files import write_whole
from autocakechat.text import escape_lines, pluralize

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Cell", "Figure", "Line", "document", "render", "render_file", "table", "text", "write_page"]

_TEMPLATES = Path(__file__).with_name("templates")


class Figure(str):
    """A formatted number."""

    __slots__ = ()


Cell = str | int
"""A table cell: text, HTML (`Markup`), or a number (an integer or a `Figure`), which is aligned to the right."""


def document(
    title: str, parts: Iterable[str], about: Iterable[str | None] = (), *, script: str = "", more_style: str = ""
) -> str:
    """Makes a page.

    Args:
        title: Its title.
        parts: Its content below the title, as HTML.
        about: What the page is about, such as a person and a date: a line below the title. None is left out.
        script: JavaScript that runs when the content is there.
        more_style: CSS of this page, after the common one.

    Returns:
        HTML for a file. Its content security policy forbids everything but its own style and script.
    """
    style = read_template("style.css") + more_style
    scripts = f"script-src {_policy_source(script)}; " if script else ""
    policy = f"default-src 'none'; style-src {_policy_source(style)}; {scripts}base-uri 'none'; form-action 'none'"
    return render_file(
        "document.html",
        title=title,
        about=[entry for entry in about if entry],
        policy=policy,
        style=style,
        script=script,
        body="\n".join(parts),
    )


def render(source: str, **values: object) -> Markup:
    """Renders a Jinja2 template from its source.

    Strings in the values are escaped. Templates can call the functions `table`, `columns`, `bar`, `bars`,
    `line_chart` and the other charts, and the macro `messages` of the template `messages.html`.
    """
    return _rendered(_environment().from_string(source).render(**values))


def render_file(name: str, **values: object) -> Markup:
    """Renders a template of this package, like `render`."""
    return _rendered(_environment().get_template(name).render(**values))


def read_template(name: str) -> str:
    """Returns the content of a file of the folder `templates`, such as a style."""
    return (_TEMPLATES / name).read_text("utf-8")


def write_page(path: Path, page: str) -> None:
    """Writes a page, which may contain names and messages, to a file that only its owner can read.

    Raises:
        UserError: The file cannot be written.
    """
    try:
        write_whole(path, page.encode(), mode=0o600)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", "nothing was written") from None


def table(header: Sequence[str], rows: Sequence[Sequence[Cell]], more: int = 0) -> Markup:
    """Makes a table.

    Args:
        header: The titles of the columns. Titles beyond the cells of the rows are not shown.
        rows: The cells of each row.
        more: The number of rows that were left out.
    """
    return render_file("table.html", header=header, rows=rows, more=more)


def text(content: str) -> str:
    """Escapes text for HTML and makes its control characters visible. Line breaks are kept."""
    return str(escape(escape_lines(content)))


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for make in (table, columns, bar, bars, interval, line_chart, shades, stacked_bar, pluralize):
        environment.globals[make.__name__] = make
    environment.globals["attributes"] = _attributes
    return environment


def _policy_source(content: str) -> str:
    """Returns the hash of a style or script for the content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _finalize(value: Any) -> Any:
    """Prepares a value before a template escapes it."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return escape_lines(value) if isinstance(value, str) else value


def _rendered(content: str) -> Markup:
    """Marks the output of a template as HTML: the template escaped its values."""
    return Markup(content)  # noqa: S704


def _attributes(cell: Cell) -> Markup:
    """Returns the attributes of a table cell. Text of any script begins on its own side."""
    return Markup(' class="number"') if isinstance(cell, int | Figure) else Markup(' dir="auto"')
