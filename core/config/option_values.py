"""Turns values of a TOML file into the options of a stage: strictly, and telling of every problem at once."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Union

import attrs

from autocakechat.interface.options import Secret
from autocakechat.text import suggest

if typing.TYPE_CHECKING:
    import cattrs

    from autocakechat.config.toml_reader import KeyPath

_ATOMS: dict[Any, str] = {
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
    """Something wrong with an option.

    Attributes:
        key: Where it stands.
        message: What is wrong.
    """

    key: KeyPath
    message: str


class OptionParser:
    """Makes options of TOML values.

    Args:
        base: Tells, for a key, the folder that a relative path starts at.
    """

    def __init__(self, base: Callable[[KeyPath], Path]) -> None:
        self._base = base
        self.problems: list[Problem] = []

    def structure(self, table: dict[str, Any], cls: type, where: KeyPath) -> Any:
        """Makes the options object of a table.

        Args:
            table: Names and values, as read.
            cls: The attrs class of the options.
            where: Where the table stands.

        Returns:
            The object, or None if anything was wrong: `problems` then tells what.
        """
        hints = typing.get_type_hints(cls)
        fields = {field.name: field for field in attrs.fields(cls) if field.init}
        before = len(self.problems)
        for name in table:
            if name not in fields:
                self.report((*where, name), f"no such option{suggest(name, fields)}")
        values = {}
        for name, field in fields.items():
            if name in table:
                values[name] = self._field(table[name], hints[name], field, (*where, name))
            elif field.default is attrs.NOTHING:
                self.report((*where, name), f"is required: {field.metadata.get('help', 'it has no default')}")
        return cls(**values) if len(self.problems) == before else None

    def report(self, key: KeyPath, message: str) -> None:
        """Notes a problem."""
        self.problems.append(Problem(key, message))

    def _field(self, value: Any, hint: Any, field: attrs.Attribute[Any], key: KeyPath) -> Any:
        if attrs.has(hint) and hint is not Secret and isinstance(value, dict):
            return self.structure(value, hint, key)
        try:
            structured = _converter(self._base(key)).structure(value, hint)
        except Exception:  # cattrs raises whatever its hooks raise
            # What stands where a secret belongs may be the secret itself: it is not shown.
            shown = "" if _is_secret(hint) else f", not {_shown(value)}"
            self.report(key, f"must be {describe(hint)}{shown}")
            return None
        if field.validator is not None:
            try:
                field.validator(None, field, structured)
            except (ValueError, TypeError) as error:
                message = str(error.args[0] if error.args else error)
                self.report(key, message.removeprefix(f"'{field.name}' "))
        return structured


def describe(hint: Any) -> str:
    """Says in words what values a type allows."""
    if hint in _ATOMS:
        return _ATOMS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(f'"{choice}"' for choice in arguments)
    if _is_union(hint):
        return " or ".join(describe(argument) for argument in arguments if argument is not type(None))
    if origin in (list, tuple, set, frozenset):
        return f"a list, each item {describe(arguments[0])}" if arguments else "a list"
    if origin is dict or hint is dict or attrs.has(hint):
        return "a table"
    return getattr(hint, "__name__", str(hint))


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (Union, types.UnionType)


def _is_secret(hint: Any) -> bool:
    return hint is Secret or Secret in typing.get_args(hint)


def _is_sequence(hint: Any) -> bool:
    return typing.get_origin(hint) in (list, tuple)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _converter(base: Path) -> cattrs.Converter:
    """A converter that converts nothing: a value has the type that is asked for, or is refused."""
    import cattrs

    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)
    for atom in (bool, int, str, date, datetime):
        converter.register_structure_hook(atom, _exactly)
    converter.register_structure_hook(float, lambda value, _: float(_exactly(value, int | float)))
    converter.register_structure_hook(Path, lambda value, _: base / Path(_exactly(value, str)).expanduser())
    converter.register_structure_hook(Secret, lambda value, _: _secret(value, base))
    converter.register_structure_hook_func(_is_union, lambda value, hint: _any_of(value, hint, converter))
    converter.register_structure_hook_func(_is_sequence, lambda value, hint: _sequence(value, hint, converter))
    return converter


def _exactly(value: Any, hint: Any) -> Any:
    # In Python true is an integer, and a date with a time is a date; in TOML they are not.
    if not isinstance(value, hint) or (type(value) in (bool, datetime) and hint is not type(value)):
        raise TypeError(value)
    return value


def _secret(value: Any, base: Path) -> Secret:
    match value:
        case {"env": str(name)} if len(value) == 1 and name:
            return Secret(env=name)
        case {"file": str(name)} if len(value) == 1 and name:
            return Secret(file=base / Path(name).expanduser())
    raise TypeError(value)


def _any_of(value: Any, hint: Any, converter: cattrs.Converter) -> Any:
    for choice in typing.get_args(hint):
        if choice is type(None):
            continue
        try:
            return converter.structure(value, choice)
        except Exception:  # noqa: S112  the next choice may fit
            continue
    raise TypeError(value)


def _sequence(value: Any, hint: Any, converter: cattrs.Converter) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    items: Iterator[Any] = (converter.structure(item, arguments[0]) for item in _exactly(value, list))
    return origin(items)
