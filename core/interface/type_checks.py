"""Checks of the values that plugins pass to the types of this package. An error names the attribute and the value."""

from __future__ import annotations

from types import UnionType

from autocakechat.text import escape_control_characters

_MAX_VALUE_LENGTH = 40


def require_type(attribute: str, value: object, expected: type | UnionType) -> None:
    """Checks the type of a value.

    Args:
        attribute: The name of the attribute, such as `Chat.id`.
        value: The value.
        expected: The type.

    Raises:
        TypeError: The value has another type.
    """
    if not isinstance(value, expected):
        raise TypeError(f"{attribute} is {describe_value(value)}, expected {describe_type(expected)}")


def describe_value(value: object) -> str:
    """Describes a value in a few words: `None`, `'60' (str)`, `generator`.

    Only short simple values are shown, because others may contain a chat message.
    """
    if value is None:
        return "None"
    kind = type(value).__name__
    shown = escape_control_characters(repr(value)) if isinstance(value, str | int | float) else ""
    return f"{shown} ({kind})" if 0 < len(shown) <= _MAX_VALUE_LENGTH else kind


def describe_type(expected: type | UnionType) -> str:
    """Returns a type as code has it, such as `str | None`."""
    return expected.__name__ if isinstance(expected, type) else str(expected)
