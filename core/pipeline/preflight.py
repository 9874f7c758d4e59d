"""Checks everything that a run needs, before its first stage starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from autocakechat.cluster.connection import problem_of_cluster
from autocakechat.config.pipeline import Pipeline, StageConfig
from autocakechat.display.logging_setup import Redactor
from autocakechat.errors import ManyProblemsError, UserError
from autocakechat.interface.options import secrets_in
from autocakechat.interface.stage_types import Input, SourceType, StageType, TrainerType
from autocakechat.pipeline.stage_results import stage_inputs
from autocakechat.registry.manager import PluginManager
from autocakechat.registry.requirements import missing_to_load, missing_to_run


@attrs.frozen
class SourceInputs:
    """A source and its inputs.

    Attributes:
        source: The source.
        inputs: The inputs, in the order in which they are read.
    """

    source: StageConfig[SourceType]
    inputs: Sequence[Input]


@attrs.define
class PreflightChecks:
    """Checks the stages of a pipeline, and reports all problems at once.

    Attributes:
        pipeline: The pipeline.
        manager: The plugins.
        redactor: Receives each secret, so that logs can hide it.
    """

    pipeline: Pipeline
    manager: PluginManager
    redactor: Redactor
    _problems: list[str] = attrs.field(factory=list, init=False)

    def check(self, kinds: Sequence[str]) -> list[SourceInputs]:
        """Checks that the tables of stages exist, and that their Python modules, input files and secrets do, too.

        Args:
            kinds: The kinds of stages, such as `source` or `trainer`.

        Returns:
            The inputs of each source.

        Raises:
            ManyProblemsError: One line for each problem.
            PluginError: A function `inputs` failed.
        """
        self._check_cluster(kinds)
        inputs: list[SourceInputs] = []
        for kind in kinds:
            if kind == "source" and self.pipeline.sources:
                for source in self.pipeline.sources:
                    self._check_stage(source)
                    with self._collect_problem():
                        inputs.append(SourceInputs(source, self._inputs(source.stage, source.options)))
                continue
            with self._collect_problem():
                config = self.pipeline.require(kind)
                self._check_stage(config)
                if isinstance(config.stage, TrainerType):
                    self._inputs(config.stage, config.options)  # raises an error if a file is missing
        if self._problems:
            raise ManyProblemsError(self._problems)
        return inputs

    def _inputs(self, stage: SourceType | TrainerType, options: Any) -> Sequence[Input]:
        return stage_inputs(self.manager.owner(stage), stage, options)

    def _check_cluster(self, kinds: Sequence[str]) -> None:
        cluster = self.pipeline.cluster
        problem = problem_of_cluster(cluster) if cluster and {"source", "trainer"} & set(kinds) else None
        if problem:
            self._problems.append(f"{self.pipeline.path}: cluster: {problem}")

    def _check_stage(self, config: StageConfig[StageType]) -> None:
        self._check_modules(config)
        self._check_secrets(config)

    def _check_modules(self, config: StageConfig[StageType]) -> None:
        missing = [missing_to_run(config.stage)]
        if isinstance(config.stage, TrainerType) and not missing[0]:
            missing.append(missing_to_load(config.stage))
        self._problems += [f"{self._place(config)}: {problem}" for problem in missing if problem]

    def _check_secrets(self, config: StageConfig[StageType]) -> None:
        for secret in secrets_in(config.options):
            try:
                self.redactor.add(secret.reveal())
            except UserError as error:
                self._problems.append(f"{self._place(config)}: {error}")

    def _place(self, config: StageConfig[StageType]) -> str:
        return f"{self.pipeline.path}: {config.table}"

    @contextmanager
    def _collect_problem(self) -> Iterator[None]:
        try:
            yield
        except UserError as error:
            self._problems.append(str(error))
