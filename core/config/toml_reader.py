"""Reads a TOML file and finds the line of every key, so that an error message can point at it."""

from __future__ import annotations

import contextlib
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from autocakechat.errors import UserError

KeyPath = tuple[str | int, ...]
"""The names of the tables around a key and its own, with the index of each element of an array of tables."""

_OTHER_PATH = "give the path of a pipeline.toml"
_MAX_NAMED = 5


@attrs.frozen
class TomlFile:
    """A TOML file with line numbers.

    Attributes:
        path: The file.
        data: Its content.
        lines: The line number, from 1, of every table and key.
    """

    path: Path
    data: dict[str, Any]
    lines: dict[KeyPath, int]

    def line(self, key: KeyPath) -> int:
        """Returns the line of a key; for a key that the file does not have, that of the innermost table around it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


def read_toml(path: Path) -> TomlFile:
    """Reads a TOML file.

    Raises:
        UserError: The file does not exist or is not valid TOML.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise missing_pipeline(path) from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", _OTHER_PATH) from None
    return parse_toml(path, content)


def parse_toml(path: Path, content: bytes) -> TomlFile:
    """Parses the content of a TOML file.

    Args:
        path: The file, for messages; it need not exist.
        content: Its content.

    Raises:
        UserError: The content is not valid TOML.
    """
    try:
        text = content.decode("utf-8")
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not valid TOML: {error}") from None
    return TomlFile(path, data, _find_lines(text))


def missing_pipeline(path: Path) -> UserError:
    """Makes the error for a pipeline.toml that does not exist."""
    if path.suffix != ".toml":
        return UserError(f"{path}: no such file", _OTHER_PATH)
    argument = "" if str(path) == "pipeline.toml" else f" {shlex.quote(str(path))}"
    others = [str(other) for other in pipelines_in(path.parent)]
    create = f"give {' or '.join(others[:_MAX_NAMED])}; to create a new one" if others else "to create it"
    return UserError(f"{path}: no such file", f"{create}, run: acc init{argument}")


def pipelines_in(folder: Path) -> list[Path]:
    """Returns the pipeline files of a folder, in order. Other TOML files are left out, such as a pyproject.toml."""
    return [path for path in sorted(folder.glob("*.toml")) if _is_pipeline(path)]


def _is_pipeline(path: Path) -> bool:
    """Returns whether a file can be read and has a table of a pipeline."""
    with contextlib.suppress(OSError, ValueError):
        return not {"source", "trainer", "deployer"}.isdisjoint(tomllib.loads(path.read_text("utf-8")))
    return False


def _find_lines(text: str) -> dict[KeyPath, int]:
    """Finds the line of every key of a valid TOML text."""
    lines: dict[KeyPath, int] = {}
    array_lengths: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, statement in _statements(text):
        content = tomllib.loads(statement)
        header = statement.lstrip()
        if header.startswith("["):
            table = _table_path(_header_names(content), header.startswith("[["), array_lengths)
            lines.setdefault(table, number)
        else:
            for key in _keys(content):
                lines.setdefault(table + key, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Splits a text into statements, each with the number of its first line.

    A line alone does not show whether it is inside a multi-line string or list. So a statement is the smallest number
    of lines that is valid TOML.
    """
    start = 1
    pending = ""
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        pending += line
        try:
            content = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue
        if content:
            yield start, pending
        start = number + 1
        pending = ""


def _header_names(content: dict[str, Any]) -> tuple[str, ...]:
    """Returns the names in a header such as `[a.b]` or `[[a.b]]`, given the header parsed as TOML."""
    names: list[str] = []
    while content:
        name, inner = next(iter(content.items()))
        names.append(name)
        content = inner[0] if isinstance(inner, list) else inner
    return tuple(names)


def _table_path(names: tuple[str, ...], is_array_element: bool, array_lengths: dict[KeyPath, int]) -> KeyPath:
    """Returns the path of the table that a header opens, and counts the elements of arrays of tables.

    Args:
        names: The names in the header.
        is_array_element: Whether the header is in double brackets.
        array_lengths: The number of elements so far of each array of tables; updated.
    """
    path: KeyPath = ()
    for depth, name in enumerate(names, 1):
        path += (name,)
        if is_array_element and depth == len(names):
            array_lengths[path] = array_lengths.get(path, 0) + 1
        if path in array_lengths:
            path += (array_lengths[path] - 1,)
    return path


def _keys(content: dict[str, Any]) -> Iterator[KeyPath]:
    """Yields every key of a statement, including those of inline tables."""
    for name, value in content.items():
        yield (name,)
        if isinstance(value, dict):
            for inner in _keys(value):
                yield (name, *inner)
