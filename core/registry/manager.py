"""The plugins of this environment and the stages that they provide."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from autocakechat.errors import PluginError, UserError
from autocakechat.interface import hookspecs
from autocakechat.interface.stage_types import CommandType
from autocakechat.interface.type_checks import describe_value
from autocakechat.registry.loader import PluginLoader
from autocakechat.registry.plugin import Plugin, Provided, describe_error
from autocakechat.registry.plugin_errors import contract_violation, errors_of_plugin, format_traceback, is_unexpected
from autocakechat.registry.source_location import first_location, location_of_error, location_of_function
from autocakechat.standard_output import stdout_to_stderr
from autocakechat.text import suggest

if TYPE_CHECKING:
    import logging

    import click
    import pluggy


class PluginManager:
    """Loaded plugins. Make one with `PluginManager.load`.

    Args:
        plugins: The plugins, bundled ones first.
        hooks: The pluggy manager that calls their hooks.
    """

    def __init__(self, plugins: list[Plugin], hooks: pluggy.PluginManager) -> None:
        self.plugins = plugins
        self._hooks = hooks
        self._owners = {id(stage): plugin for plugin in plugins for stage in plugin.provides}

    @classmethod
    @stdout_to_stderr()
    def load(
        cls,
        disabled: Collection[str] = (),
        third_party: bool = True,
        entries: Iterable[EntryPoint] | None = None,
        specifications: Sequence[Any] = (hookspecs,),
    ) -> PluginManager:
        """Loads plugins. A plugin that fails is listed with its problems; the others are not affected.

        Args:
            disabled: Names of plugins to skip.
            third_party: Whether to load plugins that are not part of autocakechat.
            entries: The entry points to load; by default those of all installed distributions.
            specifications: Modules with the hooks that plugins can implement.
        """
        loader = PluginLoader(specifications)
        for plugin, entry in _find_plugins(entry_points(group=hookspecs.PROJECT) if entries is None else entries):
            if plugin.name in disabled or not (third_party or plugin.bundled):
                plugin.status = "disabled"
            loader.add(plugin, entry)
        loader.collect_stages()
        return cls(loader.plugins, loader.hooks)

    def stages(self, kind: str) -> dict[str, Provided]:
        """Returns the stages (or commands) of a kind that active plugins provide, by name."""
        return {
            provided.name: provided
            for plugin in self.plugins
            if plugin.status == "active"
            for provided in plugin.provides
            if provided.kind == kind
        }

    def find(self, kind: str, name: str) -> Any:
        """Returns a stage by kind and name.

        Raises:
            UserError: No active plugin provides it.
        """
        stages = self.stages(kind)
        if name in stages:
            return stages[name]
        hints = [f"installed: {', '.join(sorted(stages))}" if stages else f"no {kind} is installed"]
        hints += [f"plugin {plugin} failed: {plugin.problems[0]}" for plugin in self.failed()]
        hints += [f"plugin {plugin.name} is disabled" for plugin in self.plugins if plugin.status == "disabled"]
        raise UserError(f"no {kind} '{name}'{suggest(name, stages)}", "; ".join(hints))

    def failed(self) -> list[Plugin]:
        """Returns the plugins that failed to load."""
        return [plugin for plugin in self.plugins if plugin.status == "failed"]

    def owner(self, stage: Provided) -> str:
        """Returns the plugin that provides a stage, as error messages name it."""
        plugin = self._owners.get(id(stage))
        return str(plugin) if plugin else stage.name

    def attribute(self, error: Exception) -> PluginError | None:
        """Makes the error that names the plugin in whose code an unexpected error was raised.

        Returns:
            The error; None if no code of a third-party plugin raised it.
        """
        for plugin in self.plugins:
            location = None if plugin.bundled else location_of_error(error, plugin.package)
            if location:
                details = format_traceback(error, plugin.package)
                return PluginError(str(plugin), f"failed with {describe_error(error)}", location.relative(), details)
        return None

    @stdout_to_stderr()
    def load_command(self, name: str) -> click.Command:
        """Imports a command of a plugin.

        Raises:
            PluginError: The plugin failed.
        """
        import click

        provided: CommandType = self.find("command", name)
        with errors_of_plugin(self.owner(provided), provided):
            command = provided.load()
        if not isinstance(command, click.Command):
            problem = f"the command '{name}' loads {describe_value(command)}, expected a click.Command"
            raise contract_violation(self.owner(provided), provided, problem)
        return command

    @stdout_to_stderr()
    def announce(self, event: str, log: logging.Logger, **arguments: Any) -> None:
        """Calls an event hook of all plugins. An error in a plugin is logged and does not stop the pipeline.

        Args:
            event: Name of the hook.
            log: The logger for errors.
            arguments: The arguments of the hook.
        """
        for implementation in getattr(self._hooks.hook, event).get_hookimpls():
            try:
                implementation.function(*(arguments[name] for name in implementation.argnames))
            except BaseException as error:
                if not is_unexpected(error):
                    raise
                plugin = next(plugin for plugin in self.plugins if plugin.name == implementation.plugin_name)
                location = location_of_error(error, plugin.package) or location_of_function(implementation.function)
                problem = f"{event} failed: {describe_error(error)}"
                log.warning("plugin %s: %s; %s", plugin, problem, first_location(location))
                log.debug("%s", format_traceback(error, plugin.package))


def _find_plugins(entries: Iterable[EntryPoint]) -> list[tuple[Plugin, EntryPoint]]:
    """Returns the plugins of entry points, bundled ones first, then by name. Nothing is imported."""
    entries = list(entries)
    # Parsing metadata is the slowest step of the search: do it once per distribution.
    origins = {id(dist): (dist.name, dist.version) for dist in {entry.dist for entry in entries} if dist}
    plugins = []
    for entry in entries:
        distribution, version = origins.get(id(entry.dist), ("unknown", "unknown"))
        plugins.append((Plugin(entry.name, entry.value, distribution, version), entry))
    return sorted(plugins, key=lambda pair: (not pair[0].bundled, pair[0].name))
