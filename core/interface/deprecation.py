"""How names of the plugin interface go out of use: they work for a while, and the plugin's author is told.

A hook that goes is marked in hookspecs.py:

    @hookspec(warn_on_impl=deprecated("acc_readers", since="0.2", gone="0.4", instead="acc_sources"))

An argument of a hook with `warn_on_impl_args={"name": deprecated(...)}`; a field of a type that gets another name with
`@renamed` on its class. The plugin manager adds whose plugin it is.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class Deprecated(DeprecationWarning):
    """A plugin uses a name that a later version removes.

    Args:
        text: What is deprecated, and what replaces it.
        user: The plugin and its author, where they are known.

    Attributes:
        text: The text without the plugin.
    """

    def __init__(self, text: str, user: str = "") -> None:
        super().__init__(f"{user}: {text}" if user else text)
        self.text = text


def deprecated(what: str, *, since: str, gone: str, instead: str) -> Deprecated:
    """Makes the warning for a deprecated name.

    Args:
        what: The deprecated name.
        since: The version that deprecates it.
        gone: The version that removes it.
        instead: What to write in its place.
    """
    return Deprecated(f"{what} is deprecated since {since} and will be gone in {gone}; use {instead}")


def warn_deprecated(warning: Deprecated) -> None:
    """Warns at the line that uses a deprecated name, and names the plugin and its author.

    Call it in the deprecated function itself: the warning belongs to the line that called that function.
    """
    caller = sys._getframe(2)
    if caller.f_globals.get("__name__") == "importlib._bootstrap":
        return  # `from autocakechat import name` looks a name up twice
    warnings.warn(Deprecated(warning.text, _plugin_at(caller)), stacklevel=3)


def author_of(entry: EntryPoint) -> str:
    """Returns the author in the metadata of a plugin's distribution."""
    metadata: Any = entry.dist.metadata if entry.dist else {}
    return next((metadata[name] for name in ("Author", "Author-email", "Maintainer") if name in metadata), "its author")


def renamed(old: str, new: str, *, since: str, gone: str) -> Callable[[type[T]], type[T]]:
    """Lets an attrs class accept a field by its former name, with a warning.

    Args:
        old: The former name.
        new: The field's present name.
        since: The version that introduces the new name.
        gone: The version that removes the former name.

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
                warn_deprecated(warning)
                named[new] = named.pop(old)
            plain(self, *arguments, **named)

        changed.__init__ = with_former_name
        return cls

    return change


def _plugin_at(frame: FrameType) -> str:
    """Returns the plugin whose code runs in a frame, with its author; empty if no plugin is installed with it."""
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    for entry in entry_points(group="autocakechat"):
        if entry.dist and package == entry.module.partition(".")[0] != "autocakechat":
            return f"plugin {entry.name} ({entry.dist.name} {entry.dist.version}) by {author_of(entry)}"
    return ""
