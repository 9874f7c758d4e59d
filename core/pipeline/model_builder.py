"""Builds or reuses the model of a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from autocakechat.artifacts.model_folder import write_manifest
from autocakechat.artifacts.store import Artifact, Ingredients, artifact_key
from autocakechat.artifacts.summary import ArtifactSummary, format_metric
from autocakechat.config.pipeline import StageConfig
from autocakechat.errors import PluginError, WorkerFinished
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import TrainerType
from autocakechat.pipeline.artifact_builder import BuiltArtifact, explain_rebuild, find_built, find_reusable
from autocakechat.pipeline.artifact_lookup import ArtifactLookup
from autocakechat.pipeline.distributed_training import train_in_cluster
from autocakechat.pipeline.ingredients import CONTINUED_FROM, CORPUS, input_hashes, model_settings
from autocakechat.pipeline.run_services import RunServices
from autocakechat.pipeline.stage_results import check_training, is_other_worker, stage_inputs
from autocakechat.pipeline.stage_results import train as train_here
from autocakechat.text import pluralize

TrainFunction = Callable[[StageConfig[TrainerType], Corpus, Path | None, Path, RunContext], Mapping[str, Any]]


@attrs.frozen
class ModelBuilder:
    """Builds the model of a pipeline.

    Attributes:
        services: The services of the run.
    """

    services: RunServices

    @property
    def _trainer(self) -> StageConfig[TrainerType]:
        return self.services.pipeline.require("trainer")

    def ingredients(self, corpus: str, continued: str | None = None) -> Ingredients:
        """Returns everything that the model depends on.

        Args:
            corpus: The artifact key of the corpus.
            continued: The artifact key of the model whose training is continued, if any.
        """
        services, trainer = self.services, self._trainer
        inputs = stage_inputs(services.manager.owner(trainer.stage), trainer.stage, trainer.options)
        ingredients: Ingredients = {CORPUS: corpus} | model_settings(services.pipeline)
        ingredients |= input_hashes(trainer, inputs, services.hashes)
        return ingredients | ({CONTINUED_FROM: continued} if continued else {})

    def continued_model(self, corpus: str) -> str | None:
        """Returns the key of the model whose training a run continues; None if it trains from the start.

        Args:
            corpus: The artifact key of the corpus to train on.
        """
        previous = ArtifactLookup(self.services).find("model") if self.services.pipeline.continue_training else None
        if previous is None:
            return None
        is_up_to_date = previous.ingredients.get(CORPUS) == corpus
        return previous.ingredients.get(CONTINUED_FROM) if is_up_to_date else previous.key

    def build(self, corpus: Artifact, force: bool) -> BuiltArtifact:
        """Trains the model, or reuses the one with the same key.

        With `continue = true` the training continues from the pipeline's model of an earlier corpus, if there is one.

        Args:
            corpus: The corpus to train on.
            force: Whether to train in any case, and from the start.

        Raises:
            AccError: The training failed.
        """
        continued = None if force else self.continued_model(corpus.key)
        ingredients = self.ingredients(corpus.key, continued)
        key = artifact_key(ingredients)
        log = self.services.log
        if not force and (reusable := find_reusable(self.services, "model", key)):
            return BuiltArtifact(reusable, reusable.manifest["metrics"], reused=True)
        log.info("model: training (%s)", explain_rebuild(self.services, "model", ingredients))
        self._log_new_replies(corpus)
        previous = self.services.store.find("model", continued) if continued else None
        if previous:
            log.info("model: the training continues from the model %s", ArtifactSummary.of(previous))
        elif continued:
            log.warning("model: the model to continue from was removed; the training starts from the start")
        metrics = self._train(corpus, previous, key, ingredients)
        if metrics:
            log.info("model: %s", ", ".join(f"{name} {format_metric(value)}" for name, value in metrics.items()))
        return BuiltArtifact(find_built(self.services, "model", key), metrics, reused=False)

    def _log_new_replies(self, corpus: Artifact) -> None:
        """Says how many replies are new since the last training, and offers to continue from its model."""
        previous = ArtifactLookup(self.services).find("model")
        if previous is None or previous.ingredients.get(CORPUS) == corpus.key:
            return
        log, pipeline = self.services.log, self.services.pipeline
        new = (corpus.manifest.get("replies") or 0) - (previous.manifest.get("replies") or 0)
        if previous.manifest.get("replies") and new > 0:
            log.info("model: %s than at the last training", pluralize(new, "more reply", "more replies"))
        if self._trainer.stage.continue_training and not pipeline.continue_training:
            log.info("model: to continue from the present model instead, set continue = true in [trainer]")

    def _train(self, corpus: Artifact, previous: Artifact | None, key: str, ingredients: Ingredients) -> dict[str, Any]:
        """Trains into the artifact store. Checkpoints are kept under the key until the training has succeeded."""
        services, trainer, store = self.services, self._trainer, self.services.store
        context = services.stage_context(trainer, store.training_state(key))
        with store.locked(), store.building("model", key) as folder:
            train = self._trainer_function()
            with _resumable_from(context.state):
                metrics = self._train_into(folder, Corpus(corpus.path), previous, context, train)
            origin = {name: corpus.manifest.get(name) for name in ("person", "replies")}
            write_manifest(folder, trainer, metrics, key, ingredients, **origin)
            services.hashes.save()
        store.remove_training_state(key)
        return dict(metrics)

    def train_apart(self, corpus: Corpus, folder: Path, state: Path) -> None:
        """Trains a model outside of the artifacts.

        Args:
            corpus: The corpus.
            folder: An empty folder for the model.
            state: An empty folder for checkpoints.

        Raises:
            AccError: The training failed.
        """
        metrics = self._train_into(folder, corpus, None, self.services.stage_context(self._trainer, state), train_here)
        write_manifest(folder, self._trainer, metrics, key="", ingredients={})

    def _trainer_function(self) -> TrainFunction:
        """Chooses where the trainer runs: in this process, or on workers of the cluster."""
        stage, cluster = self._trainer.stage, self.services.pipeline.cluster
        if cluster is None:
            return train_here
        if stage.distributed is None:
            message = "model: the trainer '%s' cannot use several machines; it trains on this one"
            self.services.log.warning(message, stage.name)
            return train_here
        return partial(train_in_cluster, cluster, self.services.manager.owner(stage))

    def _train_into(
        self, folder: Path, corpus: Corpus, previous: Artifact | None, context: RunContext, train: TrainFunction
    ) -> Mapping[str, Any]:
        """Trains a model into an empty folder, and returns its metrics."""
        services, trainer = self.services, self._trainer
        with services.stage_events(trainer) as announce_result:
            metrics = train(trainer, corpus, previous.path if previous else None, folder, context)
            is_stored_elsewhere = is_other_worker(trainer.stage, folder)
            if not is_stored_elsewhere:
                check_training(services.manager.owner(trainer.stage), trainer.stage, metrics, folder)
            announce_result(metrics)
        if is_stored_elsewhere:
            raise WorkerFinished("model: trained together with other processes; the first one has stored it")
        return metrics


@contextmanager
def _resumable_from(checkpoints: Path) -> Iterator[None]:
    """Marks a crash of the training in the block as resumable if there is a checkpoint."""
    try:
        yield
    except PluginError as error:
        error.resumable = any(checkpoints.iterdir())
        raise
