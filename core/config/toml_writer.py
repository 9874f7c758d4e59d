"""Writes values as TOML. The standard library can only read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from typing import Any


def toml_value(value: Any) -> str:
    """Formats a value for the right-hand side of `=`, on one line.

    Args:
        value: A string, number, bool, date, time or path, or a list or mapping of these.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        items = ", ".join(f"{toml_key(name)} = {toml_value(item)}" for name, item in value.items())
        return f"{{ {items} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return _quote(str(value))


def toml_key(name: str) -> str:
    """Formats a name for the left-hand side of `=`."""
    is_bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if is_bare else _quote(name)


def toml_table(header: str, values: Mapping[str, Any]) -> str:
    """Formats a table: its header such as `[trainer]`, then one line for each value."""
    lines = [f"{toml_key(name)} = {toml_value(value)}" for name, value in values.items()]
    return "\n".join([header, *lines, ""])


def _quote(text: str) -> str:
    # A JSON string is a TOML string, except that TOML forbids an unescaped DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
