"""Deprecation of names of the plugin interface: they still work, and warn with the plugin and its author.

A deprecated hook is marked in hookspecs.py:

    @hookspec(warn_on_impl=deprecated("acc_readers", since="0.2", gone="0.4", instead="acc_sources"))

A deprecated argument of a hook is marked with `warn_on_impl_args={"name": deprecated(...)}`, a renamed field with
`@renamed` on its class. A deprecated function calls `warn_deprecated`.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

T = TypeVar("T")


class Deprecated(DeprecationWarning):
    """A plugin uses a name that a later version removes.

    Args:
        text: What is deprecated, and what replaces it.
        user: The plugin that uses the name, and its author, if known.

    Attributes:
        text: The text, without the plugin.
    """

    def __init__(self, text: str, user: str = "") -> None:
        super().__init__(f"{user}: {text}" if user else text)
        self.text = text


def deprecated(name: str, *, since: str, gone: str, instead: str) -> Deprecated:
    """Makes the warning about a deprecated name.

    Args:
        name: The deprecated name.
        since: The version that deprecates it.
        gone: The version that removes it.
        instead: The name to use instead.
    """
    return Deprecated(f"{name} is deprecated since {since} and will be gone in {gone}; use {instead}")


def warn_deprecated(warning: Deprecated) -> None:
    """Issues a warning that names the plugin that uses a deprecated name, and the plugin's author.

    Call it from the deprecated function itself: the warning points to the line that calls that function.
    """
    caller = sys._getframe(2)
    if caller.f_globals.get("__name__") == "importlib._bootstrap":
        return  # CPython calls a module's __getattr__ twice for `from x import y`; only the second call warns
    package = str(caller.f_globals.get("__name__", "")).partition(".")[0]
    warnings.warn(Deprecated(warning.text, _plugin_of(package)), stacklevel=3)


def author_of(entry: EntryPoint) -> str:
    """Returns the author from the metadata of a plugin's distribution."""
    metadata: Any = entry.dist.metadata if entry.dist else {}
    return next((metadata[name] for name in ("Author", "Author-email", "Maintainer") if name in metadata), "its author")


def renamed(old: str, new: str, *, since: str, gone: str) -> Callable[[type[T]], type[T]]:
    """Makes an attrs class accept a field under its former name, with a warning.

    Args:
        old: The former name.
        new: The field's current name.
        since: The version that introduces the new name.
        gone: The version that removes the former name.

    Returns:
        A class decorator; place it above `@attrs.frozen`.
    """

    def decorate(cls: type[T]) -> type[T]:
        decorated: Any = cls
        original_init = decorated.__init__
        warning = deprecated(f"{cls.__name__}({old}=...)", since=since, gone=gone, instead=f"{new}=...")

        @functools.wraps(original_init)
        def init(self: T, *args: Any, **kwargs: Any) -> None:
            if old in kwargs:
                warn_deprecated(warning)
                kwargs[new] = kwargs.pop(old)
            original_init(self, *args, **kwargs)

        decorated.__init__ = init
        return cls

    return decorate


@functools.cache
def _plugin_of(package: str) -> str:
    """Returns the plugin that a top-level package belongs to, with its author; empty if it belongs to no plugin."""
    for entry in entry_points(group="autocakechat"):
        if entry.dist and package == entry.module.partition(".")[0] != "autocakechat":
            return f"plugin {entry.name} ({entry.dist.name} {entry.dist.version}) by {author_of(entry)}"
    return ""
