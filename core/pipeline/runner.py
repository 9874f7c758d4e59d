"""Runs a pipeline: preflight checks, then corpus, model and deployer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from autocakechat.artifacts.model_folder import open_model
from autocakechat.artifacts.store import Artifact, ArtifactKind, artifact_key
from autocakechat.config.pipeline import Pipeline, StageConfig
from autocakechat.display.logging_setup import Redactor
from autocakechat.errors import UserError
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.model import TrainedModel
from autocakechat.interface.stage_types import DeployerType, TrainerType
from autocakechat.pipeline.artifact_builder import BuiltArtifact, describe_dry_run
from autocakechat.pipeline.artifact_lookup import ArtifactLookup
from autocakechat.pipeline.corpus_builder import CorpusBuilder
from autocakechat.pipeline.model_builder import ModelBuilder
from autocakechat.pipeline.preflight import PreflightChecks, SourceInputs
from autocakechat.pipeline.run_services import RunServices
from autocakechat.pipeline.stage_checks import problem_of_deployment
from autocakechat.registry.manager import PluginManager
from autocakechat.registry.plugin_errors import contract_violation
from autocakechat.standard_output import stdout_to_stderr

_CORPUS_STAGES = ("source", "extractor", "annotator")
_STAGES_UNTIL: dict[ArtifactKind | None, Sequence[str]] = {
    "corpus": _CORPUS_STAGES,
    "model": (*_CORPUS_STAGES, "trainer"),
    None: (*_CORPUS_STAGES, "trainer", "deployer"),
}


class Runner:
    """Runs a pipeline.

    Args:
        pipeline: The pipeline.
        manager: The plugins.
        log: The log.
        redactor: Receives each secret before it is used, so that logs can hide it.
    """

    def __init__(self, pipeline: Pipeline, manager: PluginManager, log: logging.Logger, redactor: Redactor) -> None:
        self._pipeline = pipeline
        self._redactor = redactor
        self._services = RunServices.of(pipeline, manager, log)
        self._model_builder = ModelBuilder(self._services)

    def check(self, until: ArtifactKind | None) -> Sequence[SourceInputs]:
        """Checks everything that a run needs: tables, Python modules, input files and secrets.

        Args:
            until: The artifact that the run stops at; None if it goes on to the deployer.

        Returns:
            The inputs of each source.

        Raises:
            ManyProblemsError: One line for each problem.
        """
        return self._preflight(*_STAGES_UNTIL[until])

    @stdout_to_stderr()
    def run(self, until: ArtifactKind | None, force: ArtifactKind | None, samples: int = 0) -> dict[str, BuiltArtifact]:
        """Builds or reuses the corpus, then the model.

        Args:
            until: The artifact to stop at.
            force: The artifact to build even if it could be reused.
            samples: How many sample pairs to log with the corpus report.

        Returns:
            The artifacts, by kind.

        Raises:
            AccError: A check or a stage failed.
        """
        corpus_builder = CorpusBuilder(self._services, self.check(until))
        built = {"corpus": corpus_builder.build(force == "corpus", samples)}
        if until != "corpus":
            built["model"] = self._model_builder.build(built["corpus"].artifact, force == "model")
        return built

    @stdout_to_stderr()
    def artifact(self, kind: ArtifactKind, accept_any: bool = False) -> Artifact:
        """Returns the artifact that the pipeline makes, without reading its chat log.

        Args:
            kind: The kind of artifact.
            accept_any: Whether to return the closest artifact if there is no such one: the last one of this pipeline
                with other settings, or the newest one of the folder.

        Raises:
            UserError: There is no such artifact.
        """
        lookup = ArtifactLookup(self._services)
        if accept_any:
            return lookup.find(kind) or lookup.closest(kind)
        return lookup.require(kind)

    @stdout_to_stderr()
    def train(self, corpus: Artifact, force: bool = False) -> BuiltArtifact:
        """Builds or reuses the model of an existing corpus.

        Args:
            corpus: The corpus.
            force: Whether to build the model even if it could be reused.

        Raises:
            AccError: A check or the training failed.
        """
        self._preflight("trainer")
        return self._model_builder.build(corpus, force)

    @contextmanager
    def trained_apart(self, make_corpus: Callable[[Path], Corpus], seed: int | None = None) -> Iterator[TrainedModel]:
        """Trains a temporary model on a temporary corpus. Both are removed after the block.

        Args:
            make_corpus: Writes the corpus into an empty folder.
            seed: Makes the replies reproducible, unless `[reply]` sets a seed.

        Yields:
            The model.

        Raises:
            AccError: A check or the training failed.
        """
        self._preflight("trainer")
        with self._services.store.scratch() as scratch:
            corpus, model, state, reply_state = (scratch / name for name in ("corpus", "model", "state", "reply"))
            for folder in (corpus, model, state, reply_state):
                folder.mkdir()
            with stdout_to_stderr():
                self._model_builder.train_apart(make_corpus(corpus), model, state)
            yield self.open_model(model, reply_state, seed)

    @stdout_to_stderr()
    def dry_run(self, until: ArtifactKind | None, force: ArtifactKind | None) -> list[str]:
        """Checks everything that a run needs, and describes the run without doing it.

        Args:
            until: The artifact to stop at.
            force: The artifact to build even if it could be reused.

        Returns:
            One line for each artifact that a run would build or reuse, and one for the deployer.

        Raises:
            ManyProblemsError: One line for each problem.
        """
        ingredients = CorpusBuilder(self._services, self.check(until)).ingredients()
        lines = [describe_dry_run(self._services, "corpus", ingredients, force == "corpus")]
        if until != "corpus":
            corpus = artifact_key(ingredients)
            ingredients = self._model_builder.ingredients(corpus, self._model_builder.continued_model(corpus))
            lines.append(describe_dry_run(self._services, "model", ingredients, force == "model"))
        if until is None:
            lines.append(f"deployer: would start {self._pipeline.require('deployer').stage.name}")
        return lines

    def deploy(self, folder: Path, state: Path | None = None) -> None:
        """Runs the deployer of the pipeline with a model, until it is stopped.

        Args:
            folder: The model folder.
            state: The state folder of the deployer; by default one in the artifact store.

        Raises:
            UserError: The state folder cannot be used.
        """
        self._preflight("deployer")
        reply_state = state / "reply" if state else None
        model = self.open_model(folder, reply_state)
        if state:
            _create_state_folder(state, model.path)
        self.deploy_with(self._pipeline.require("deployer"), model, state)

    def deploy_with(self, deployer: StageConfig[DeployerType], model: TrainedModel, state: Path | None = None) -> None:
        """Runs a deployer with a model, until it is stopped. The deployer need not be that of the pipeline."""
        with self._services.stage_events(deployer) as announce_result:
            context = self._services.stage_context(deployer, state)
            deploy: Callable[..., object] = deployer.stage.deploy  # a plugin may return anything
            with self._services.store.pipeline_in_use(self._pipeline.path):
                returned = deploy(deployer.options, model, context)
            if problem := problem_of_deployment(returned):
                owner = self._services.manager.owner(deployer.stage)
                raise contract_violation(owner, deployer.stage, f"the deployer {problem}")
            announce_result(None)

    def open_model(self, folder: Path, state: Path | None = None, seed: int | None = None) -> TrainedModel:
        """Opens a model folder.

        Args:
            folder: The model folder.
            state: The state folder of the trainer while it replies; by default one in the artifact store.
            seed: Makes the replies reproducible, unless `[reply]` sets a seed.

        Raises:
            UserError: The folder is not a model folder, or is damaged.
        """
        return open_model(
            folder,
            self._services.manager,
            reply=partial(self._reply_options, folder),
            run=self._services.run_context("reply", state),
            seed=seed,
        )

    @stdout_to_stderr()
    def _preflight(self, *kinds: str) -> list[SourceInputs]:
        return PreflightChecks(self._pipeline, self._services.manager, self._redactor).check(kinds)

    def _reply_options(self, folder: Path, trainer: TrainerType) -> Any:
        """Returns the options of `[reply]`; without a `[trainer]` table, the defaults of the model's trainer."""
        config = self._pipeline.trainer
        if config is None:
            return trainer.reply()
        if config.stage is not trainer:
            path, configured = self._pipeline.path, config.stage.name
            raise UserError(
                f"{folder}: this model was made by the trainer '{trainer.name}', but {path} has '{configured}'",
                f'set use = "{trainer.name}" in [trainer], or give another model',
            )
        return self._pipeline.reply


def _create_state_folder(folder: Path, model: Path) -> None:
    """Creates the state folder of a deployer: private to its owner, and outside of the model folder."""
    hint = "give another --state folder"
    if folder.resolve().is_relative_to(model.resolve()):
        raise UserError(f"{folder}: is inside the model folder", hint)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "reply").mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"{error.filename or folder}: {error.strerror}", hint) from None
