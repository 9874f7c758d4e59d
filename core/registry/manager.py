"""Finds, loads, checks and lists plugins, one at a time, so that every problem has an owner."""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Literal

import attrs
import pluggy

from autocakechat.errors import AccError, PluginError, UserError, full_disk, is_full_disk
from autocakechat.interface import hookspecs
from autocakechat.interface.deprecation import Deprecated, author_of
from autocakechat.interface.stage_types import STAGE_TYPES, CommandType, StageType
from autocakechat.text import escape_control_characters, suggest

if TYPE_CHECKING:
    import logging

BUNDLED = "autocakechat"
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_REGISTRATION_HOOKS: dict[str, type[StageType] | type[CommandType]] = {
    **{f"acc_{stage_type.kind}s": stage_type for stage_type in STAGE_TYPES},
    "acc_commands": CommandType,
}

Provided = StageType | CommandType


@attrs.define
class Plugin:
    """A plugin that was found, whether it works or not.

    Attributes:
        name: Name of its entry point.
        module: The module the entry point names.
        distribution: What it was installed with, and in which version.
        status: `active`; `failed`, with what is wrong in `problems`; or `disabled`, and then it was not imported.
        provides: The stages and commands it yields. Those of a failed plugin are not used.
        warnings: What it uses that will be gone in a later version, for its author to read.
    """

    name: str
    module: str
    distribution: str
    version: str
    status: Literal["active", "failed", "disabled"] = "active"
    problems: list[str] = attrs.field(factory=list)
    provides: list[Provided] = attrs.field(factory=list)
    warnings: list[str] = attrs.field(factory=list)

    @property
    def bundled(self) -> bool:
        """Whether it comes with autocakechat."""
        return self.distribution == BUNDLED

    def __str__(self) -> str:
        return self.name if self.bundled else f"{self.name} ({self.distribution} {self.version})"

    def fail(self, problem: str) -> None:
        """Notes a problem; the plugin is not used."""
        self.status = "failed"
        self.problems.append(problem)


class PluginManager:
    """The plugins of this environment.

    Args:
        disabled: Names of plugins that are not to be imported.
        third_party: Whether plugins that do not come with autocakechat are loaded.
        found: The entry points to load; by default those of all installed distributions.
        specifications: Modules with the hooks that plugins may have.
    """

    def __init__(
        self,
        disabled: Collection[str] = (),
        third_party: bool = True,
        found: Iterable[EntryPoint] | None = None,
        specifications: Sequence[Any] = (hookspecs,),
    ) -> None:
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._specifications = specifications
        for specification in specifications:
            self._pluggy.add_hookspecs(specification)
        self.plugins: list[Plugin] = []
        self._owners: dict[int, Plugin] = {}
        self._entries: dict[str, EntryPoint] = {}
        entries = list(entry_points(group=hookspecs.PROJECT) if found is None else found)
        # Metadata is read once for each distribution: it is the slowest part of looking for plugins.
        origins = {id(dist): (dist.name, dist.version) for dist in {entry.dist for entry in entries} if dist}
        described = [
            (Plugin(entry.name, entry.value, *origins.get(id(entry.dist), ("unknown", "unknown"))), entry)
            for entry in entries
        ]
        for plugin, entry in sorted(described, key=lambda each: (not each[0].bundled, each[0].name)):
            self.plugins.append(plugin)
            self._entries.setdefault(plugin.name, entry)
            if plugin.name in disabled or not (third_party or plugin.bundled):
                plugin.status = "disabled"
            else:
                self._load(plugin, entry)
        self._collect()
        self._settle_conflicts()

    def stages(self, kind: str) -> dict[str, Provided]:
        """Returns what the working plugins provide of a kind, by name."""
        return {
            provided.name: provided
            for plugin in self.plugins
            if plugin.status == "active"
            for provided in plugin.provides
            if provided.kind == kind
        }

    def find(self, kind: str, name: str) -> Any:
        """Returns the stage of a name.

        Raises:
            UserError: No working plugin provides it.
        """
        known = self.stages(kind)
        if name in known:
            return known[name]
        hints = [f"there are: {', '.join(sorted(known))}" if known else f"no {kind} is installed"]
        hints += [f"plugin {plugin} failed: {plugin.problems[0]}" for plugin in self.failed()]
        hints += [f"plugin {plugin.name} is disabled" for plugin in self.plugins if plugin.status == "disabled"]
        raise UserError(f"no {kind} '{name}'{suggest(name, known)}", "; ".join(hints))

    def failed(self) -> list[Plugin]:
        """Returns the plugins that cannot be used."""
        return [plugin for plugin in self.plugins if plugin.status == "failed"]

    def owner(self, stage: Provided) -> str:
        """Returns the plugin that provides a stage, as it is called in errors."""
        plugin = self._owners.get(id(stage))
        return str(plugin) if plugin else stage.name

    def announce(self, event: str, log: logging.Logger, **arguments: Any) -> None:
        """Tells all plugins of an event; an error in one is logged with its owner and stops nothing.

        Args:
            event: Name of the hook.
            log: Where errors go.
            arguments: Those of the hook.
        """
        for implementation in getattr(self._pluggy.hook, event).get_hookimpls():
            try:
                implementation.function(*(arguments[name] for name in implementation.argnames))
            except Exception as error:
                log.warning("plugin %s: %s failed: %s", implementation.plugin_name, event, _told(error))
                log.debug("in %s", event, exc_info=True)

    def _load(self, plugin: Plugin, entry: EntryPoint) -> None:
        with _deprecations_told(plugin, entry):
            self._import(plugin, entry)

    def _import(self, plugin: Plugin, entry: EntryPoint) -> None:
        try:
            module = entry.load()
        except (Exception, SystemExit) as error:
            plugin.fail(f"cannot be imported: {_told(error)}")
            return
        twin = self._pluggy.get_plugin(plugin.name)
        if twin is not None:
            self._settle_twins(plugin)
            return
        try:
            self._pluggy.register(module, plugin.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            plugin.fail(escape_control_characters(str(error).strip().splitlines()[-1]))
        for unknown in self._unknown_hooks(module):
            plugin.fail(f"has a hook that nobody calls: {unknown}{suggest(unknown, self._known_hooks())}")
        if plugin.status == "failed":
            self._pluggy.unregister(name=plugin.name)

    def _settle_twins(self, plugin: Plugin) -> None:
        """Two distributions bring in a plugin of one name: the bundled one wins, of two others neither is used."""
        twins = [other for other in self.plugins if other.name == plugin.name and other is not plugin]
        for one in (plugin, *(twin for twin in twins if not twin.bundled)):
            others = [other.distribution for other in (*twins, plugin) if other is not one]
            one.fail(f"another distribution has a plugin of this name: {', '.join(others)}")
        if all(twin.status == "failed" for twin in twins):
            self._pluggy.unregister(name=plugin.name)
            self._pluggy.set_blocked(plugin.name)

    def _known_hooks(self) -> list[str]:
        return [name for module in self._specifications for name in vars(module) if name.startswith("acc_")]

    def _unknown_hooks(self, module: Any) -> list[str]:
        known = self._known_hooks()
        return [
            name
            for name in dir(module)
            if name not in known and self._pluggy.parse_hookimpl_opts(module, name) is not None
        ]

    def _collect(self) -> None:
        """Calls the registration hooks of one plugin after the other."""
        by_name = {plugin.name: plugin for plugin in self.plugins if plugin.status == "active"}
        for hook, expected in _REGISTRATION_HOOKS.items():
            for implementation in getattr(self._pluggy.hook, hook).get_hookimpls():
                plugin = by_name[implementation.plugin_name]
                try:
                    with _deprecations_told(plugin, self._entries[plugin.name]):
                        yielded = list(implementation.function())
                except Exception as error:
                    plugin.fail(f"{hook} failed: {_told(error)}")
                    continue
                for stage in yielded:
                    problem = _unfit(stage, expected)
                    if problem:
                        plugin.fail(f"{hook} yields {problem}")
                    else:
                        plugin.provides.append(stage)
                        self._owners[id(stage)] = plugin

    def _settle_conflicts(self) -> None:
        """Of two stages of one name the bundled one wins; of two others neither can be used."""
        providers: dict[tuple[str, str], list[Plugin]] = {}
        for plugin in self.plugins:
            for stage in plugin.provides:
                providers.setdefault((stage.kind, stage.name), []).append(plugin)
        for (kind, name), rivals in providers.items():
            for plugin in rivals if len(rivals) > 1 else ():
                others = [str(rival) for rival in rivals if rival is not plugin] or [str(plugin)]
                if not plugin.bundled:
                    plugin.fail(f"{kind} '{name}' is also provided by {', '.join(others)}")


def missing_requirements(stage: StageType) -> list[str]:
    """Returns the modules a stage needs that are not installed."""
    return [name for name in stage.requires if importlib.util.find_spec(name) is None]


def plugin_error(owner: str, error: Exception) -> AccError:
    """Makes the error that names the plugin in which something unforeseen was raised. A full disk is nobody's fault."""
    if isinstance(error, OSError) and is_full_disk(error):
        return full_disk(error)
    return PluginError(owner, f"failed with {_told(error)}")


@contextmanager
def _deprecations_told(plugin: Plugin, entry: EntryPoint) -> Iterator[None]:
    """Turns warnings of what will be gone into some that tell whose plugin uses it."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", Deprecated)
            yield
    finally:
        for each in caught:
            if isinstance(each.message, Deprecated):
                text = each.message.text
                plugin.warnings.append(escape_control_characters(text))
                named = Deprecated(text, f"plugin {plugin} by {author_of(entry)}")
                warnings.warn_explicit(named, Deprecated, each.filename, each.lineno)
            else:
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def _told(error: BaseException) -> str:
    return escape_control_characters(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _unfit(stage: Any, expected: type[Provided]) -> str | None:
    """Says what is wrong with what a registration hook yielded, if anything."""
    if not isinstance(stage, expected):
        return f"{escape_control_characters(repr(stage))[:80]}, which is no {expected.__name__}"
    if not (isinstance(stage.name, str) and _NAME.fullmatch(stage.name)):
        return f"a stage with the name {stage.name!r}; names look like 'my-stage'"
    for configuration in _configurations(stage):
        if not attrs.has(configuration):
            return f"'{stage.name}', whose options {configuration!r} are no attrs class"
    return None


def _configurations(stage: Provided) -> Sequence[type]:
    return [value for name in ("config", "reply") if (value := getattr(stage, name, None)) is not None]
