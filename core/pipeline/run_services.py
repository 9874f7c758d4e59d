"""The services that all steps of a run share: the pipeline, the plugins, the log and the artifact store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from autocakechat.artifacts.file_hashes import FileHashes
from autocakechat.artifacts.pipeline_history import PipelineHistory
from autocakechat.artifacts.store import Artifact, ArtifactKind, ArtifactStore
from autocakechat.config.pipeline import Pipeline, StageConfig, StageT
from autocakechat.display.progress import progress_for
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import StageType
from autocakechat.pipeline.reading.extraction import BoundStage
from autocakechat.registry.manager import PluginManager
from autocakechat.registry.plugin_errors import is_unexpected, plugin_error


@attrs.frozen
class RunServices:
    """The services that all steps of a run share.

    Attributes:
        pipeline: The pipeline.
        manager: The plugins.
        log: The log.
        store: The artifact store of the pipeline.
        hashes: The hashes of input files.
    """

    pipeline: Pipeline
    manager: PluginManager
    log: logging.Logger
    store: ArtifactStore
    hashes: FileHashes

    @classmethod
    def of(cls, pipeline: Pipeline, manager: PluginManager, log: logging.Logger) -> RunServices:
        """Makes the services of a pipeline, with the store beside its pipeline.toml."""
        store = ArtifactStore.beside(pipeline.path)
        return cls(pipeline, manager, log, store, FileHashes(store.folder / "hashes.json"))

    @property
    def history(self) -> PipelineHistory:
        """The artifacts that the pipeline used."""
        return PipelineHistory(self.store.pipeline_folder(self.pipeline.path))

    def last_used(self, kind: ArtifactKind) -> Artifact | None:
        """Returns the artifact that the pipeline built or reused last, or None."""
        found = (self.store.find(kind, key) for key in reversed(self.history.keys(kind)))
        return next(filter(None, found), None)

    def closest(self, kind: ArtifactKind) -> Artifact | None:
        """Returns the artifact that the pipeline used last; if it used none, the newest one of the folder, or None."""
        return self.last_used(kind) or self.store.newest(kind)

    def run_context(self, name: str, state: Path | None = None) -> RunContext:
        """Makes a run context.

        Args:
            name: The name of the child logger, and of the state folder.
            state: The state folder; by default the one of that name in the private folder of the pipeline.
        """
        log = self.log.getChild(name)
        return RunContext(
            log, progress_for(log), self.pipeline.seed, state or self.store.pipeline_state(self.pipeline.path, name)
        )

    def stage_context(self, config: StageConfig[StageType], state: Path | None = None) -> RunContext:
        """Makes the run context of a stage."""
        return self.run_context(f"{config.stage.kind}-{config.stage.name}", state)

    def bind(self, config: StageConfig[StageT]) -> BoundStage[StageT]:
        """Returns a stage with its options and run context."""
        owner = self.manager.owner(config.stage)
        return BoundStage(config.stage, config.options, self.stage_context(config), owner)

    @contextmanager
    def stage_events(self, *configs: StageConfig[StageType]) -> Iterator[Callable[[Any], None]]:
        """Calls the event hooks around the stages that run in the block, and attributes unexpected errors to a plugin.

        Yields:
            A function to call with the result, when the stages have succeeded.

        Raises:
            PluginError: The block raised an unexpected exception. It is attributed to the last stage.
        """
        for config in configs:
            self.manager.announce("acc_before_stage", self.log, stage=config.stage)

        def announce_result(result: Any) -> None:
            for config in configs:
                self.manager.announce("acc_after_stage", self.log, stage=config.stage, result=result)

        try:
            yield announce_result
        except BaseException as error:
            for config in configs:
                self.manager.announce("acc_stage_failed", self.log, stage=config.stage, error=error)
            if not is_unexpected(error):
                raise
            stage = configs[-1].stage
            raise plugin_error(self.manager.owner(stage), stage, error) from error
