"""Writes values as TOML: the standard library only reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from typing import Any


def toml_value(value: Any) -> str:
    """Writes a value as it stands to the right of `=`, in one line.

    Args:
        value: A string, a number, true or false, a date, a time, a path, a list or a table of these.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_key(name)} = {toml_value(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return _quoted(str(value))


def toml_key(name: str) -> str:
    """Writes a name as it stands to the left of `=`."""
    is_bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if is_bare else _quoted(name)


def toml_table(header: str, values: Mapping[str, Any]) -> str:
    """Writes a table, its header such as `[trainer]` first, a line for each value."""
    return "\n".join([header, *(f"{toml_key(name)} = {toml_value(value)}" for name, value in values.items()), ""])


def _quoted(text: str) -> str:
    # TOML's strings are JSON's, but for one character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
