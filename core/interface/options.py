"""Declarations for the options of a stage: `option` for a field, `Secret` for the type of a token or password."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import attrs

from autocakechat.errors import UserError
from autocakechat.interface.deprecation import deprecated, warn_deprecated


def option(
    *,
    help: str,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    check: Callable[[Any, attrs.Attribute[Any], Any], Any] | None = None,
    affects_key: bool = True,
    keyed: bool | None = None,
) -> Any:
    """Declares an option: a field of an attrs class.

    Args:
        help: One line that describes the option.
        default: The default value. An option without a default is required.
        factory: Makes the default value; for lists and tables.
        check: An attrs validator. The user sees the text of its ValueError.
        affects_key: Whether the artifact key depends on the value. False for values that do not change the result, such
            as paths and speed settings.
        keyed: Deprecated: the former name of `affects_key`.

    Returns:
        The field.
    """
    if keyed is not None:
        warn_deprecated(deprecated("option(keyed=...)", since="0.1", gone="0.3", instead="affects_key=..."))
        affects_key = keyed
    return attrs.field(
        default=attrs.Factory(factory) if factory else default,
        validator=check,
        metadata={"help": help, "affects_key": affects_key},
    )


@attrs.frozen
class Secret:
    """A token or password, stored in an environment variable or a separate file and never in the TOML.

    Attributes:
        env: The name of the environment variable.
        file: The file.
    """

    env: str | None = None
    file: Path | None = None

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"file {self.file}"

    def __reduce__(self) -> NoReturn:
        """Refuses to be sent to another process."""
        raise pickle.PicklingError(f"{self}: a secret stays in its process")

    def withhold(self) -> None:
        """Keeps the environment variable from all processes that this one starts. This one can still reveal it."""
        if self.env is not None:
            os.unsetenv(self.env)  # processes inherit what this changes; `os.environ` stays as it is

    def reveal(self, environment: Mapping[str, str] = os.environ) -> str:
        """Returns the value, without surrounding whitespace.

        Args:
            environment: The environment variables.

        Raises:
            UserError: The variable or file is missing or empty.
        """
        if self.env is not None:
            value = environment.get(self.env, "").strip()
            if not value:
                raise UserError(f"{self} is not set", f"run: export {self.env}=...")
            return value
        assert self.file is not None
        try:
            value = self.file.read_text("utf-8").strip()
        except OSError as error:
            raise UserError(f"{self}: {error.strerror}", "write the secret to this file") from None
        if not value:
            raise UserError(f"{self} is empty", "write the secret to this file")
        return value


def values_affecting_key(options: Any) -> dict[str, Any]:
    """Returns the option values that an artifact key depends on, as JSON types, without secrets."""
    values = {}
    for field in attrs.fields(type(options)):
        value = getattr(options, field.name)
        if field.metadata.get("affects_key", True) and not isinstance(value, Secret):
            values[field.name] = _to_json_types(value)
    return values


def default_values_affecting_key(cls: type) -> dict[str, Any]:
    """Returns the defaults of the options that an artifact key depends on, as JSON types; required options have none.

    Args:
        cls: The options class.
    """
    values = {}
    for field in attrs.fields(cls):
        if not field.metadata.get("affects_key", True) or field.default is attrs.NOTHING:
            continue
        default: Any = field.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time, a function for mypy
            if default.takes_self:
                continue
            default = default.factory()
        values[field.name] = _to_json_types(default)
    return values


def secrets_in(options: Any) -> list[Secret]:
    """Returns the option values that are secrets."""
    values = (getattr(options, field.name) for field in attrs.fields(type(options)))
    return [value for value in values if isinstance(value, Secret)]


def _to_json_types(value: Any) -> Any:
    if attrs.has(type(value)):
        return values_affecting_key(value)
    if isinstance(value, list | tuple):
        return [_to_json_types(item) for item in value]
    if isinstance(value, dict):
        return {name: _to_json_types(item) for name, item in value.items()}
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
