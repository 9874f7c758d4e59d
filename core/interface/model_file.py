"""Reads the JSON files of a model folder. They may come from a stranger, so nothing in them is trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, overload

import msgspec

from autocakechat.errors import UserError

T = TypeVar("T")

MAX_BYTES = 2**26
"""Size limit of a JSON file. Nested lists take up to thirty times as much memory."""


def damaged_file(file: Path, problem: str) -> UserError:
    """Returns the error for a damaged file of a model folder.

    Args:
        file: The file.
        problem: What is wrong with it.
    """
    return UserError(f"{file}: {problem}", "the model folder is damaged: copy it again, or train again")


@overload
def read_json(file: Path) -> Any: ...


@overload
def read_json(file: Path, expected: type[T]) -> T: ...


def read_json(file: Path, expected: Any = Any) -> Any:
    """Reads a JSON file of a model folder.

    Args:
        file: The file.
        expected: The type of its content: a class of msgspec or attrs, whose validators run, or a built-in type.

    Raises:
        UserError: The file is missing, too large or not JSON, or its content has another type or invalid values.
    """
    require_file(file)
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise damaged_file(file, f"{size:,} bytes, expected at most {MAX_BYTES:,}")
        return msgspec.json.decode(file.read_bytes(), type=expected)
    except OSError as error:
        raise damaged_file(file, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise damaged_file(file, f"cannot be read: {error}") from None


def require_file(file: Path) -> None:
    """Checks that a file of a model folder exists. Opening a pipe or a device could wait for ever.

    Raises:
        UserError: It does not exist, or is not a regular file.
    """
    if not file.is_file():
        raise damaged_file(file, "not a regular file" if file.exists() else "no such file")
