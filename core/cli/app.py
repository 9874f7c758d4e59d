"""The state that all commands share: plugins, log and secrets."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from autocakechat.errors import AccError
from autocakechat.standard_output import stdout_to_stderr
from autocakechat.text import escape_control_characters

if TYPE_CHECKING:
    import logging

    from autocakechat.config.pipeline import Pipeline
    from autocakechat.display.logging_setup import Redactor
    from autocakechat.pipeline.runner import Runner
    from autocakechat.registry.manager import PluginManager


@attrs.define(slots=False)
class App:
    """The state of one call of `acc`.

    Attributes:
        disabled: Names of plugins that are not imported.
        third_party: Whether to load plugins that are not bundled with autocakechat.
        verbose: Whether to log everything, with tracebacks.
        quiet: Whether to log only warnings and errors.
        log_time: Whether log lines and error lines start with the time; None if the option is not set.
    """

    disabled: frozenset[str] = frozenset()
    third_party: bool = True
    verbose: bool = False
    quiet: bool = False
    log_time: bool | None = None
    _managers: dict[frozenset[str], PluginManager] = attrs.field(factory=dict, init=False)

    @classmethod
    def from_options(
        cls,
        disabled: Sequence[str],
        verbose: bool,
        quiet: bool,
        log_time: bool | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> App:
        """Makes the state from the global options and the environment.

        Args:
            disabled: Plugins that the command line disables.
            verbose: Whether to log everything, with tracebacks.
            quiet: Whether to log only warnings and errors.
            log_time: Whether log lines and error lines start with the time; None lets the command decide.
            environment: The environment variables. `ACC_DISABLED_PLUGINS` (names, separated by commas) disables more
                plugins; `ACC_NO_PLUGINS`, if not empty, all that are not bundled.
        """
        names = environment.get("ACC_DISABLED_PLUGINS", "").replace(",", " ").split()
        return cls(
            disabled=frozenset([*disabled, *names]),
            third_party=not environment.get("ACC_NO_PLUGINS"),
            verbose=verbose,
            quiet=quiet,
            log_time=log_time,
        )

    @cached_property
    def log(self) -> logging.Logger:
        """The log. It is set up on first use, because commands such as `acc plugins list` do not log."""
        from autocakechat.display.logging_setup import set_up_logging

        return set_up_logging(self.redact, self.verbose, self.quiet, with_time=bool(self.log_time))

    def log_as_service(self) -> None:
        """Shows the time in the log where nothing else does, unless the option decides. Call it before the log is used.

        The lines of a service are read long after they were written.
        """
        from autocakechat.display.logging_setup import needs_log_time

        if self.log_time is None:
            self.log_time = needs_log_time(sys.stderr)

    def error_line(self, text: str) -> str:
        """Returns a line for an error, without secrets, with the time if the log has it."""
        from autocakechat.display.logging_setup import format_time

        start = f"{format_time(time.time())} " if self.log_time else ""
        return self.redact(f"{start}acc: {escape_control_characters(text)}")

    @cached_property
    def redact(self) -> Redactor:
        """The redactor of everything that is shown."""
        from autocakechat.display.logging_setup import Redactor

        return Redactor()

    def manager(self, disabled: Sequence[str] = ()) -> PluginManager:
        """Returns the plugins; they are loaded on first use.

        Args:
            disabled: More plugins not to load.
        """
        from autocakechat.registry.manager import PluginManager

        all_disabled = self.disabled.union(disabled)
        if all_disabled not in self._managers:
            manager = self._managers[all_disabled] = PluginManager.load(all_disabled, self.third_party)
            if self.verbose:
                for plugin in manager.failed():
                    for traceback in plugin.tracebacks:
                        self.log.error("plugin %s: %s", plugin, traceback)
        return self._managers[all_disabled]

    def attribute(self, error: Exception) -> Exception:
        """Returns the error that names the plugin whose code raised an unexpected error; otherwise the error itself."""
        if isinstance(error, AccError):
            return error
        managers = list(self._managers.values()) or [self.manager()]
        return next(filter(None, (manager.attribute(error) for manager in managers)), error)

    @stdout_to_stderr()
    def pipeline(self, path: Path, overrides: Sequence[str] = ()) -> tuple[Pipeline, PluginManager]:
        """Reads and checks a pipeline.toml. From then on, processes that are started do not get its secrets.

        Args:
            path: The file.
            overrides: `KEY=VALUE` of `--set`.

        Returns:
            The pipeline, and the plugins without those that the file disables.

        Raises:
            UserError: The file has problems.
        """
        from autocakechat.config.pipeline_file import PipelineFile

        file = PipelineFile(path, overrides)
        manager = self.manager(file.disabled_plugins)
        pipeline = file.check(manager)
        for secret in pipeline.secrets:
            secret.withhold()
        return pipeline, manager

    def runner(self, path: Path, overrides: Sequence[str] = ()) -> Runner:
        """Reads and checks a pipeline.toml, and returns its runner; see `pipeline`.

        Raises:
            UserError: The file has problems.
        """
        from autocakechat.pipeline.runner import Runner

        pipeline, manager = self.pipeline(path, overrides)
        return Runner(pipeline, manager, self.log, self.redact)
