"""How names of the plugin interface go out of use: they work for a while, and the plugin's author is told.

A hook that goes is marked in hookspecs.py:

    @hookspec(warn_on_impl=deprecated("acc_readers", since="0.2", gone="0.4", instead="acc_sources"))

An argument of a hook with `warn_on_impl_args={"name": deprecated(...)}`; a field of a type that gets another name with
`@renamed` on its class. The plugin manager adds whose plugin it is.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Deprecated(DeprecationWarning):
    """A plugin uses what will be gone in a later version."""


def deprecated(what: str, *, since: str, gone: str, instead: str) -> Deprecated:
    """Makes the warning that tells of it.

    Args:
        what: The name that goes.
        since: The version from which on it is discouraged.
        gone: The version in which it stops working.
        instead: What to write in its place.
    """
    return Deprecated(f"{what} is deprecated since {since} and will be gone in {gone}; use {instead}")


def renamed(old: str, new: str, *, since: str, gone: str) -> Callable[[type[T]], type[T]]:
    """Lets an attrs class take a field by its former name, too, with a warning.

    Args:
        old: The former name.
        new: The field's name now.
        since: The version that brought the new name.
        gone: The version in which the former one stops working.

    Returns:
        A decorator to put above `@attrs.frozen`.
    """

    def change(cls: type[T]) -> type[T]:
        changed: Any = cls
        plain = changed.__init__
        warning = deprecated(f"{cls.__name__}({old}=...)", since=since, gone=gone, instead=f"{new}=...")

        @functools.wraps(plain)
        def with_former_name(self: T, *arguments: Any, **named: Any) -> None:
            if old in named:
                warnings.warn(warning, stacklevel=2)
                named[new] = named.pop(old)
            plain(self, *arguments, **named)

        changed.__init__ = with_former_name
        return cls

    return change
