"""Imports plugins one at a time and calls their registration hooks, so that each problem is attributed to a plugin."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from typing import Any

import pluggy

from autocakechat.interface import hookspecs
from autocakechat.interface.deprecation import Deprecated, author_of
from autocakechat.interface.stage_types import STAGE_TYPES, CommandType, StageType
from autocakechat.interface.type_checks import describe_value
from autocakechat.registry.plugin import Plugin, describe_error
from autocakechat.registry.plugin_errors import format_traceback, is_unexpected
from autocakechat.registry.source_location import (
    SourceLocation,
    first_location,
    location_of_error,
    location_of_function,
    location_of_syntax_error,
)
from autocakechat.registry.validation import (
    fail_plugins_of_same_name,
    fail_stages_of_same_name,
    problem_of_stage,
)
from autocakechat.text import escape_control_characters, suggest

_REGISTRATION_HOOKS: dict[str, type[StageType] | type[CommandType]] = {
    **{f"acc_{stage_type.kind}s": stage_type for stage_type in STAGE_TYPES},
    "acc_commands": CommandType,
}


# A function whose name is that similar to the name of a hook is a misspelt hook.
_SIMILAR = 0.9


class PluginLoader:
    """Loads plugins into a pluggy manager.

    Args:
        specifications: Modules with the hooks that plugins can implement.

    Attributes:
        plugins: The plugins, in the order of `add`.
        hooks: The pluggy manager, with the modules of the active plugins.
    """

    def __init__(self, specifications: Sequence[Any]) -> None:
        self.plugins: list[Plugin] = []
        self.hooks = pluggy.PluginManager(hookspecs.PROJECT)
        for specification in specifications:
            self.hooks.add_hookspecs(specification)
        self._known_hooks = [name for module in specifications for name in vars(module) if name.startswith("acc_")]
        self._entries: dict[str, EntryPoint] = {}
        self._duplicate_names: set[str] = set()

    def add(self, plugin: Plugin, entry: EntryPoint) -> None:
        """Imports a plugin, unless it is disabled, and registers its hooks. Problems are stored in the plugin."""
        self.plugins.append(plugin)
        self._entries.setdefault(plugin.name, entry)
        if plugin.status != "disabled":
            with _attribute_deprecations(plugin, entry):
                self._import(plugin, entry)

    def collect_stages(self) -> None:
        """Calls the registration hooks of all plugins and stores what they yield in the plugins."""
        self._fail_duplicates()
        by_name = {plugin.name: plugin for plugin in self.plugins if plugin.status == "active"}
        for hook, expected in _REGISTRATION_HOOKS.items():
            for implementation in getattr(self.hooks.hook, hook).get_hookimpls():
                self._collect(by_name[implementation.plugin_name], implementation, hook, expected)
        fail_stages_of_same_name(self.plugins)

    def _import(self, plugin: Plugin, entry: EntryPoint) -> None:
        try:
            module = entry.load()
        except BaseException as error:
            if not is_unexpected(error):
                raise
            location = location_of_error(error, plugin.package) or location_of_syntax_error(error)
            plugin.fail(f"cannot be imported: {describe_error(error)}{_at(location)}")
            plugin.tracebacks.append(format_traceback(error, plugin.package))
            return
        if self.hooks.has_plugin(plugin.name):
            self._duplicate_names.add(plugin.name)
            return
        try:
            self.hooks.register(module, plugin.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            plugin.fail(self._unknown_arguments(module) or escape_control_characters(str(error).splitlines()[-1]))
        for hook in self._unknown_hooks(module):
            where = _at(location_of_function(getattr(module, hook)))
            plugin.fail(f"has an unknown hook {hook}{suggest(hook, self._known_hooks)}{where}")
        for hook in self._unmarked_hooks(module):
            where = _at(location_of_function(getattr(module, hook)))
            plugin.fail(f"defines {hook} without @hookimpl, so it is never called; write @hookimpl above it{where}")
        if plugin.status == "failed":
            self.hooks.unregister(name=plugin.name)

    def _fail_duplicates(self) -> None:
        """Marks plugins as failed whose name several distributions use."""
        for name in self._duplicate_names:
            rivals = [plugin for plugin in self.plugins if plugin.name == name]
            fail_plugins_of_same_name(rivals)
            if all(plugin.status == "failed" for plugin in rivals):
                self.hooks.unregister(name=name)

    def _unknown_hooks(self, module: Any) -> list[str]:
        """Returns the functions of a module that are not hooks of autocakechat, but were meant to be.

        They are marked with `hookimpl`, or have almost the name of a hook.
        """
        return [
            name
            for name in dir(module)
            if name not in self._known_hooks
            and (
                self.hooks.parse_hookimpl_opts(module, name) is not None
                or (callable(getattr(module, name)) and difflib.get_close_matches(name, self._known_hooks, 1, _SIMILAR))
            )
        ]

    def _unknown_arguments(self, module: Any) -> str:
        """Describes the first hook of a module that has other arguments than autocakechat passes; empty if none has."""
        for name in self._known_hooks:
            function = getattr(module, name, None)
            caller: pluggy.HookCaller = getattr(self.hooks.hook, name)
            if function is None or caller.spec is None:
                continue
            allowed = caller.spec.argnames
            unknown = [argument for argument in inspect.signature(function).parameters if argument not in allowed]
            if unknown:
                expected = f"only {', '.join(allowed)}" if allowed else "none"
                where = _at(location_of_function(function))
                return f"defines {name} with the argument {unknown[0]}, expected {expected}{where}"
        return ""

    def _unmarked_hooks(self, module: Any) -> list[str]:
        """Returns the functions of a module with the name of a hook that are not marked with `hookimpl`."""
        return [
            name
            for name in self._known_hooks
            if callable(getattr(module, name, None)) and self.hooks.parse_hookimpl_opts(module, name) is None
        ]

    def _collect(
        self, plugin: Plugin, implementation: pluggy.HookImpl, hook: str, expected: type[StageType] | type[CommandType]
    ) -> None:
        try:
            with _attribute_deprecations(plugin, self._entries[plugin.name]):
                returned: object = implementation.function()
                yielded = list(returned) if isinstance(returned, Iterable) else None
        except BaseException as error:
            if not is_unexpected(error):
                raise
            where = first_location(
                location_of_error(error, plugin.package), location_of_function(implementation.function)
            )
            plugin.fail(f"{hook} failed: {describe_error(error)}; {where}")
            plugin.tracebacks.append(format_traceback(error, plugin.package))
            return
        if yielded is None:
            where = _at(location_of_function(implementation.function))
            problem_text = f"{hook} returns {describe_value(returned)}, expected an iterable of {expected.__name__}"
            plugin.fail(f"{problem_text}: use `yield`{where}")
            return
        for stage in yielded:
            problem = problem_of_stage(stage, expected)
            if problem:
                where = _at(problem.location or location_of_function(implementation.function))
                plugin.fail(f"{hook} yields {problem.text}{where}")
            else:
                plugin.provides.append(stage)


def _at(location: SourceLocation | None) -> str:
    """Returns the end of a message that names a location, if it is known."""
    return f"; {location.relative()}" if location else ""


@contextmanager
def _attribute_deprecations(plugin: Plugin, entry: EntryPoint) -> Iterator[None]:
    """Adds the plugin and its author to the deprecation warnings of the block, and stores them in the plugin."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", Deprecated)
            yield
    finally:
        for warning in caught:
            if isinstance(warning.message, Deprecated):
                text = warning.message.text
                plugin.warnings.append(escape_control_characters(text))
                attributed = Deprecated(text, f"plugin {plugin} by {author_of(entry)}")
                warnings.warn_explicit(attributed, Deprecated, warning.filename, warning.lineno)
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
