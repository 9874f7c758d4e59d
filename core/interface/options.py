"""What the options of a stage are written with: `option` for a field, `Secret` for what must not stand in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

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
    """Declares an option as a field of an attrs class.

    Args:
        help: One line that says what it does.
        default: Its value when it is not given; without one the option is required.
        factory: Makes the default, for lists and tables.
        check: An attrs validator; the text of the ValueError it raises is shown to the user.
        affects_key: Whether another value makes another artifact. False for what only says where things lie or how fast
            they go.
        keyed: The former name of `affects_key`.

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
    """A value that stands in the environment or in a file of its own, never in the TOML.

    Attributes:
        env: Name of the environment variable that holds it.
        file: The file that holds it.
    """

    env: str | None = None
    file: Path | None = None

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"file {self.file}"

    def reveal(self, environment: Mapping[str, str] = os.environ) -> str:
        """Returns the value, without blanks around it.

        Raises:
            UserError: It is not there.
        """
        if self.env is not None:
            value = environment.get(self.env, "").strip()
            if not value:
                raise UserError(f"{self} is not set", f"type: export {self.env}=...")
            return value
        assert self.file is not None
        try:
            value = self.file.read_text("utf-8").strip()
        except OSError as error:
            raise UserError(f"{self}: {error.strerror}", "put the secret there") from None
        if not value:
            raise UserError(f"{self} is empty", "put the secret there")
        return value


def values_affecting_key(options: Any) -> dict[str, Any]:
    """Returns the option values that an artifact key depends on, ready for JSON; secrets are left out."""
    values = {}
    for field in attrs.fields(type(options)):
        value = getattr(options, field.name)
        if field.metadata.get("affects_key", True) and not isinstance(value, Secret):
            values[field.name] = _plain(value)
    return values


def secrets_in(options: Any) -> list[Secret]:
    """Returns the secrets among the values of some options."""
    values = (getattr(options, field.name) for field in attrs.fields(type(options)))
    return [value for value in values if isinstance(value, Secret)]


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return values_affecting_key(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
