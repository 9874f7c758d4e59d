"""A TOML file together with the lines its keys stand in, so that a problem can be shown where it is."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from autocakechat.errors import UserError

KeyPath = tuple[str | int, ...]


@attrs.frozen
class TomlFile:
    """What a TOML file says, and where.

    Attributes:
        path: The file.
        data: Its content.
        lines: The line, from 1, of every table and key of it.
    """

    path: Path
    data: dict[str, Any]
    lines: dict[KeyPath, int]

    def line(self, key: KeyPath) -> int:
        """Returns the line of a key, or of the innermost table around it that stands in the file."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


def read_toml(path: Path) -> TomlFile:
    """Reads a TOML file.

    Raises:
        UserError: There is no such file, or it is not TOML.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file", "give the path of a pipeline.toml") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", "give the path of a pipeline.toml") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not TOML: {error}") from None
    return TomlFile(path, data, _locate(text))


def _locate(text: str) -> dict[KeyPath, int]:
    """Finds the line of every key of a text that is known to be TOML."""
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, statement in _statements(text):
        content = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _open_table(_leaf(content), statement.lstrip().startswith("[["), counts)
            lines.setdefault(table, number)
        else:
            for key in _keys(content):
                lines.setdefault(table + key, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Splits a text into its statements, each with the line it starts in.

    No line of TOML can be told apart from the inside of a string or a list by looking at it alone. So a statement is
    the fewest lines that are TOML on their own.
    """
    start, pending = 1, ""
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        pending += line
        try:
            content = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue
        if content:
            yield start, pending
        start, pending = number + 1, ""


def _leaf(content: dict[str, Any]) -> tuple[str, ...]:
    """The path of the table that a header such as `[a.b]` or `[[a.b]]` opens."""
    path: list[str] = []
    while content:
        name, inner = next(iter(content.items()))
        path.append(name)
        content = inner[0] if isinstance(inner, list) else inner
    return tuple(path)


def _open_table(names: tuple[str, ...], is_element: bool, counts: dict[KeyPath, int]) -> KeyPath:
    """Turns the names in a header into a path with the indexes of the array elements it is in."""
    path: KeyPath = ()
    for depth, name in enumerate(names, 1):
        path += (name,)
        if is_element and depth == len(names):
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path += (counts[path] - 1,)
    return path


def _keys(content: dict[str, Any]) -> Iterator[KeyPath]:
    """Every key in a statement, those of inline tables too."""
    for name, value in content.items():
        yield (name,)
        if isinstance(value, dict):
            for inner in _keys(value):
                yield (name, *inner)
