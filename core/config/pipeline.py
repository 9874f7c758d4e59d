"""A checked pipeline: the stages to run, each with its options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, overload

import attrs

from autocakechat.cluster.options import ClusterOptions
from autocakechat.corpus.options import CorpusOptions
from autocakechat.errors import UserError
from autocakechat.interface.options import Secret, secrets_in
from autocakechat.interface.stage_types import (
    AnnotatorType,
    DeployerType,
    ExtractorType,
    SourceType,
    StageType,
    TrainerType,
)

_HINT = 'add it with use = "NAME"; for the names: acc plugins list --kind {}'

StageT = TypeVar("StageT", bound=StageType, covariant=True)


@attrs.frozen
class StageConfig(Generic[StageT]):
    """A stage and the options to run it with.

    Attributes:
        stage: The stage.
        options: An instance of `stage.config`.
        table: The name of its table in pipeline.toml, such as `extractor` or `source[2]`.
    """

    stage: StageT
    options: Any
    table: str


@attrs.frozen(kw_only=True)
class Pipeline:
    """The content of a pipeline.toml. A stage whose table is missing is None; use `require` to get it or an error.

    Attributes:
        path: The file.
        seed: The random seed.
        sources: The sources, in the order of the file.
        extractor: The extractor.
        annotator: The annotator.
        corpus: The options of the corpus writer.
        trainer: The trainer.
        continue_training: Whether a training continues from the model of an earlier corpus.
        reply: The reply options, an instance of `trainer.stage.reply`; None without a trainer.
        deployer: The deployer.
        cluster: The Ray cluster to use; None to use this machine alone.
    """

    path: Path
    seed: int
    sources: Sequence[StageConfig[SourceType]]
    extractor: StageConfig[ExtractorType] | None
    annotator: StageConfig[AnnotatorType]
    corpus: CorpusOptions
    trainer: StageConfig[TrainerType] | None
    continue_training: bool
    reply: Any
    deployer: StageConfig[DeployerType] | None
    cluster: ClusterOptions | None = None

    @property
    def stages(self) -> list[StageConfig[StageType]]:
        """All stages that the file configures, in the order in which they run."""
        single = (self.extractor, self.annotator, self.trainer, self.deployer)
        return [*self.sources, *(config for config in single if config is not None)]

    @property
    def secrets(self) -> list[Secret]:
        """The secrets in the options of all stages."""
        options = [*(config.options for config in self.stages), *([] if self.reply is None else [self.reply])]
        return [secret for one in options for secret in secrets_in(one)]

    @overload
    def require(self, kind: Literal["extractor"]) -> StageConfig[ExtractorType]: ...
    @overload
    def require(self, kind: Literal["trainer"]) -> StageConfig[TrainerType]: ...
    @overload
    def require(self, kind: Literal["deployer"]) -> StageConfig[DeployerType]: ...
    @overload
    def require(self, kind: str) -> StageConfig[StageType]: ...

    def require(self, kind: str) -> StageConfig[Any]:
        """Returns the stage of a kind; of several sources, the first.

        Raises:
            UserError: The file has no such table.
        """
        if kind == "source":
            config, header = next(iter(self.sources), None), "[[source]]"
        else:
            config, header = getattr(self, kind), f"[{kind}]"
        if config is None:
            raise UserError(f"{self.path}: {header} is missing", _HINT.format(kind))
        assert isinstance(config, StageConfig)
        return config
