"""Checks everything that a run will need, before its first stage starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs

from autocakechat.config.pipeline_file import Pipeline, StageConfig
from autocakechat.display.logging_setup import Redactor
from autocakechat.errors import ManyProblemsError, UserError
from autocakechat.interface.options import secrets_in
from autocakechat.interface.stage_types import Input
from autocakechat.registry.manager import missing_requirements

SourceInputs = tuple[StageConfig, Sequence[Input]]


@attrs.define
class PreflightChecks:
    """Collects what is missing, to tell of all of it at once.

    Attributes:
        pipeline: What is to run.
        redact: Learns every secret that is found.
    """

    pipeline: Pipeline
    redact: Redactor
    _problems: list[str] = attrs.field(factory=list, init=False)

    def stages(self, tables: Sequence[str]) -> list[SourceInputs]:
        """Checks the stages of some tables: that they are there, with their modules, files and secrets.

        Args:
            tables: Names such as `source` or `trainer`.

        Returns:
            For each source, what there is to read.

        Raises:
            ManyProblemsError: With one line for each thing to mend.
        """
        inputs: list[SourceInputs] = []
        for choice in self._choices(tables):
            self._check_modules(choice)
            self._check_secrets(choice)
            if choice.stage.kind == "source":
                with self._noted():
                    inputs.append((choice, choice.stage.inputs(choice.options)))
            elif choice.stage.kind == "trainer" and choice.stage.inputs:
                with self._noted():
                    choice.stage.inputs(choice.options)
        if self._problems:
            raise ManyProblemsError(self._problems)
        return inputs

    def _choices(self, tables: Sequence[str]) -> Iterator[StageConfig]:
        for table in tables:
            if table == "source" and self.pipeline.sources:
                yield from self.pipeline.sources
                continue
            with self._noted():
                yield self.pipeline.require(table)

    def _check_modules(self, choice: StageConfig) -> None:
        missing = missing_requirements(choice.stage)
        if missing:
            needs = f"{choice.stage.name} needs {', '.join(missing)}"
            self._problems.append(f"{self._place(choice)}: {needs}; type: {choice.stage.install}")

    def _check_secrets(self, choice: StageConfig) -> None:
        for secret in secrets_in(choice.options):
            try:
                self.redact.add(secret.reveal())
            except UserError as error:
                self._problems.append(f"{self._place(choice)}: {error}")

    def _place(self, choice: StageConfig) -> str:
        return f"{self.pipeline.path}: {choice.where}"

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except UserError as error:
            self._problems.append(str(error))
