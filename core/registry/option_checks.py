"""Checks the options classes of stages: every option needs a type that TOML values can be converted to."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union

import attrs

from autocakechat.interface.options import Secret
from autocakechat.registry.source_location import SourceLocation, location_of_field

_TYPES = (bool, int, float, str, Path, date, datetime, Secret, Any, object, types.NoneType)
_CONTAINERS = (list, tuple, set, frozenset, dict, Sequence, Mapping)
_EXPECTED = "expected bool, int, float, str, Path, date, datetime, Secret, Literal, a list or an attrs class of these"


class OptionProblem(NamedTuple):
    """What is wrong with an option.

    Attributes:
        text: The problem, as the object of "yields".
        location: Where the option is defined.
    """

    text: str
    location: SourceLocation | None


def problem_of_options(cls: Any) -> OptionProblem | None:
    """Checks an options class.

    Returns:
        What is wrong with its first wrong option; None if all are right.
    """
    if not attrs.has(cls):
        return OptionProblem(f"the options {cls!r}, expected an attrs class: write @attrs.frozen above it", None)
    for field in attrs.fields(cls):
        if field.type is None:
            text = f"the option {cls.__name__}.{field.name} without a type; write {field.name}: TYPE = option(...)"
            return OptionProblem(text, location_of_field(cls, field.name))
    try:
        hints = typing.get_type_hints(cls)
    except Exception as error:  # an annotation may raise anything
        text = f"the options {cls.__name__} with a type that cannot be evaluated ({type(error).__name__}: {error})"
        return OptionProblem(text, location_of_field(cls, _name_in(cls, error)))
    for field in attrs.fields(cls):
        if not _is_supported(hints[field.name]):
            hint = hints[field.name]
            shown = str(hint) if typing.get_origin(hint) else getattr(hint, "__name__", str(hint))
            text = f"the option {cls.__name__}.{field.name} of the type {shown}, {_EXPECTED}"
            return OptionProblem(text, location_of_field(cls, field.name))
    return None


def _is_supported(hint: Any) -> bool:
    hint = getattr(hint, "__supertype__", hint)  # of a NewType
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal or hint in _TYPES or hint in _CONTAINERS or hint is ...:
        return True
    if origin in (Union, types.UnionType, *_CONTAINERS):
        return all(map(_is_supported, arguments))
    if isinstance(hint, type) and attrs.has(hint):
        return problem_of_options(hint) is None
    return isinstance(hint, type) and (issubclass(hint, Enum) or hasattr(hint, "__annotations__"))


def _name_in(cls: type, error: Exception) -> str:
    """Returns the name of the option whose annotation raised an error, as far as the error tells."""
    missing = getattr(error, "name", None)
    return next((field.name for field in attrs.fields(cls) if missing and missing in str(field.type)), "")
