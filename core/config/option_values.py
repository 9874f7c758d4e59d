"""Parses TOML values into the options of a stage: strict types, and every problem reported at once."""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

import attrs

from autocakechat.interface.options import Secret
from autocakechat.text import suggest

if typing.TYPE_CHECKING:
    import cattrs

    from autocakechat.config.toml_reader import KeyPath

T = TypeVar("T")

_MAX_VALUE_LENGTH = 40
_ENVIRONMENT_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPE_DESCRIPTIONS: dict[Any, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a string",
    Path: "a path",
    date: "a date",
    datetime: "a date and time",
    Secret: '{ env = "NAME" } or { file = "PATH" }',
}


@attrs.frozen
class Problem:
    """An invalid, unknown or missing option.

    Attributes:
        key: The key of the option.
        message: What is wrong.
    """

    key: KeyPath
    message: str


class OptionParser:
    """Parses tables into options objects, and collects the problems.

    Args:
        base_folder: Returns the folder that the relative path at a key starts at.

    Attributes:
        problems: The problems found so far.
    """

    def __init__(self, base_folder: Callable[[KeyPath], Path]) -> None:
        self._base_folder = base_folder
        self.problems: list[Problem] = []

    def parse(self, table: Mapping[str, Any], cls: type[T], key: KeyPath) -> T | None:
        """Parses a table.

        Args:
            table: Option names and values, as decoded from TOML.
            cls: The attrs class of the options.
            key: The key of the table.

        Returns:
            An instance of `cls`, or None if the table has a problem.
        """
        hints = typing.get_type_hints(cls)
        fields = {field.name: field for field in attrs.fields(cls) if field.init}  # type: ignore[arg-type]
        problems_before = len(self.problems)
        for name in table:
            if name not in fields:
                self.report((*key, name), f"no such option{suggest(name, fields)}")
        values = {}
        for name, field in fields.items():
            if name in table:
                values[name] = self._parse_value(table[name], hints[name], field, (*key, name))
            elif field.default is attrs.NOTHING:
                self.report((*key, name), f"is required: {field.metadata.get('help', 'it has no default')}")
        return cls(**values) if len(self.problems) == problems_before else None

    def report(self, key: KeyPath, message: str) -> None:
        """Adds a problem."""
        self.problems.append(Problem(key, message))

    def _parse_value(self, value: Any, hint: Any, field: attrs.Attribute[Any], key: KeyPath) -> Any:
        if attrs.has(hint) and hint is not Secret and isinstance(value, dict):
            return self.parse(value, hint, key)
        try:
            parsed = _converter(self._base_folder(key)).structure(value, hint)
        except Exception:  # cattrs raises whatever its hooks raise
            # A value in the place of a secret may be the secret itself, so the message does not show it.
            actual = "" if _is_secret(hint) else f", not {_format_value(value)}"
            self.report(key, f"must be {describe_type(hint)}{actual}")
            return None
        self._validate(parsed, field, key)
        return parsed

    def _validate(self, value: Any, field: attrs.Attribute[Any], key: KeyPath) -> None:
        if field.validator is None:
            return
        try:
            field.validator(None, field, value)
        except (ValueError, TypeError) as error:
            message = str(error.args[0] if error.args else error)
            self.report(key, message.removeprefix(f"'{field.name}' "))


def describe_type(hint: Any) -> str:
    """Describes in words which values a type accepts."""
    if hint in _TYPE_DESCRIPTIONS:
        return _TYPE_DESCRIPTIONS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        choices = ", ".join(f'"{choice}"' for choice in arguments)
        return f"one of {choices}" if len(arguments) > 1 else choices
    if _is_union(hint):
        return " or ".join(describe_type(argument) for argument in arguments if argument is not type(None))
    if origin in (list, tuple, set, frozenset):
        return f"a list, each item {describe_type(arguments[0])}" if arguments else "a list"
    if origin is dict or hint is dict or attrs.has(hint):
        return "a table"
    return getattr(hint, "__name__", str(hint))


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (Union, types.UnionType)


def _is_secret(hint: Any) -> bool:
    return hint is Secret or Secret in typing.get_args(hint)


def _is_sequence(hint: Any) -> bool:
    return typing.get_origin(hint) in (list, tuple)


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[: _MAX_VALUE_LENGTH - 3]}..."


def _converter(base_folder: Path) -> cattrs.Converter:
    """Makes a strict converter: a value that does not have the requested type is an error, not converted."""
    import cattrs

    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)
    for exact_type in (bool, int, str, date, datetime):
        converter.register_structure_hook(exact_type, _require_type)
    converter.register_structure_hook(float, lambda value, _: _parse_number(value))
    converter.register_structure_hook(Path, lambda value, _: base_folder / Path(_require_type(value, str)).expanduser())
    converter.register_structure_hook(Secret, lambda value, _: _parse_secret(value, base_folder))
    converter.register_structure_hook_func(_is_union, lambda value, hint: _parse_union(value, hint, converter))
    converter.register_structure_hook_func(_is_sequence, lambda value, hint: _parse_sequence(value, hint, converter))
    return converter


def _require_type(value: Any, hint: Any) -> Any:
    # In Python bool is a subclass of int, and datetime of date; in TOML they are different types.
    if not isinstance(value, hint) or (type(value) in (bool, datetime) and hint is not type(value)):
        raise TypeError(value)
    return value


def _parse_number(value: Any) -> float:
    number = float(_require_type(value, int | float))
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _parse_secret(value: Any, base_folder: Path) -> Secret:
    match value:
        case {"env": str(name)} if len(value) == 1 and _ENVIRONMENT_VARIABLE.fullmatch(name):
            return Secret(env=name)
        case {"file": str(name)} if len(value) == 1 and name:
            return Secret(file=base_folder / Path(name).expanduser())
    raise TypeError(value)


def _parse_union(value: Any, hint: Any, converter: cattrs.Converter) -> Any:
    """Returns the value as the first member of the union that accepts it."""
    for member in typing.get_args(hint):
        if member is type(None):  # TOML has no null
            continue
        try:
            return converter.structure(value, member)
        except Exception:  # noqa: S112  the next member may accept it
            continue
    raise TypeError(value)


def _parse_sequence(value: Any, hint: Any, converter: cattrs.Converter) -> Any:
    container, arguments = typing.get_origin(hint), typing.get_args(hint)
    items: Iterator[Any] = (converter.structure(item, arguments[0]) for item in _require_type(value, list))
    return container(items)
