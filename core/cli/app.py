"""What every command is handed: the plugins, the log and the secrets to hide."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import logging

    from autocakechat.config.pipeline_file import Pipeline
    from autocakechat.display.logging_setup import Redactor
    from autocakechat.pipeline.runner import Runner
    from autocakechat.registry.manager import PluginManager


@attrs.define(slots=False)
class App:
    """The state of one run of the program.

    Attributes:
        disabled: Plugins that are not to be imported.
        third_party: Whether plugins that do not come with autocakechat are loaded.
        verbose: Whether to show everything.
        quiet: Whether to show warnings only.
    """

    disabled: frozenset[str] = frozenset()
    third_party: bool = True
    verbose: bool = False
    quiet: bool = False
    _managers: dict[frozenset[str], PluginManager] = attrs.field(factory=dict, init=False)

    @classmethod
    def start(
        cls, disabled: Sequence[str], verbose: bool, quiet: bool, environment: Mapping[str, str] = os.environ
    ) -> App:
        """Reads which plugins are switched off.

        Args:
            disabled: Plugins that the command line switches off.
            verbose: Whether to show everything.
            quiet: Whether to show warnings only.
            environment: `ACC_DISABLED_PLUGINS` (names with commas between them) and `ACC_NO_PLUGINS` (not empty: only
                bundled plugins) switch off others.
        """
        names = environment.get("ACC_DISABLED_PLUGINS", "").replace(",", " ").split()
        return cls(
            disabled=frozenset([*disabled, *names]),
            third_party=not environment.get("ACC_NO_PLUGINS"),
            verbose=verbose,
            quiet=quiet,
        )

    @cached_property
    def log(self) -> logging.Logger:
        """Where to say things. Set up when it is first asked for: `acc plugins list` has nothing to say."""
        from autocakechat.display.logging_setup import set_up_logging

        return set_up_logging(self.redact, self.verbose, self.quiet)

    @cached_property
    def redact(self) -> Redactor:
        """Removes secrets from what is shown."""
        from autocakechat.display.logging_setup import Redactor

        return Redactor()

    def manager(self, disabled: Sequence[str] = ()) -> PluginManager:
        """Returns the plugins, loaded once.

        Args:
            disabled: Further plugins to leave out.
        """
        from autocakechat.registry.manager import PluginManager

        left_out = self.disabled.union(disabled)
        if left_out not in self._managers:
            self._managers[left_out] = PluginManager.load(left_out, self.third_party)
        return self._managers[left_out]

    def pipeline(self, path: Path, overrides: Sequence[str] = ()) -> tuple[Pipeline, PluginManager]:
        """Reads and checks a pipeline.toml, with the plugins it leaves switched on.

        Raises:
            UserError: It has problems.
        """
        from autocakechat.config.pipeline_file import PipelineFile

        file = PipelineFile(path, overrides)
        manager = self.manager(file.disabled_plugins)
        return file.check(manager), manager

    def runner(self, path: Path, overrides: Sequence[str] = ()) -> Runner:
        """Returns what runs a pipeline.toml.

        Raises:
            UserError: It has problems.
        """
        from autocakechat.pipeline.runner import Runner

        pipeline, manager = self.pipeline(path, overrides)
        return Runner(pipeline, manager, self.log, self.redact)
