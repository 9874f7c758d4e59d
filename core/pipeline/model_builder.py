"""Builds or reuses the model of a corpus."""

from __future__ import annotations

from typing import Any

import attrs

from autocakechat.artifacts.model_folder import write_manifest
from autocakechat.artifacts.store import Artifact, Ingredients, artifact_key
from autocakechat.config.pipeline import StageConfig
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.stage_types import TrainerType
from autocakechat.pipeline.artifact_builder import (
    BuiltArtifact,
    find_built,
    find_reusable,
    input_ingredients,
    stage_ingredients,
)
from autocakechat.pipeline.run_services import RunServices
from autocakechat.pipeline.stage_results import check_training, stage_inputs


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

    def ingredients(self, corpus_key: str) -> Ingredients:
        """Returns everything that the model depends on.

        Args:
            corpus_key: The artifact key of the corpus.
        """
        trainer = self._trainer
        inputs = stage_inputs(self.services.manager.owner(trainer.stage), trainer.stage, trainer.options)
        return (
            {"corpus": corpus_key, "seed": self.services.pipeline.seed}
            | stage_ingredients(trainer)
            | input_ingredients(self.services, trainer, inputs)
        )

    def build(self, corpus: Artifact, force: bool) -> BuiltArtifact:
        """Trains the model, or reuses the one with the same key.

        Args:
            corpus: The corpus to train on.
            force: Whether to train in any case.

        Raises:
            AccError: The training failed.
        """
        ingredients = self.ingredients(corpus.key)
        key = artifact_key(ingredients)
        log = self.services.log
        if not force and (reusable := find_reusable(self.services, "model", key)):
            return BuiltArtifact(reusable, reusable.manifest["metrics"], reused=True)
        log.info("model: training (%s)", self.services.store.explain_rebuild("model", ingredients))
        metrics = self._train(corpus, key, ingredients)
        log.info("model: %s", ", ".join(f"{name} {_format_metric(value)}" for name, value in metrics.items()))
        return BuiltArtifact(find_built(self.services, "model", key), metrics, reused=False)

    def _train(self, corpus: Artifact, key: str, ingredients: Ingredients) -> dict[str, Any]:
        """Trains into the artifact store. Checkpoints are kept under the key until the training has succeeded."""
        services, trainer, store = self.services, self._trainer, self.services.store
        state_name = f"model-{key}"
        context = services.stage_context(trainer, store.state(state_name))
        with store.locked(), store.building("model", key) as folder:
            with services.stage_events(trainer) as announce_result:
                metrics = trainer.stage.train(trainer.options, Corpus(corpus.path), folder, context)
                check_training(services.manager.owner(trainer.stage), trainer.stage, metrics, folder)
                announce_result(metrics)
            write_manifest(folder, trainer, metrics, key, ingredients)
            services.hashes.save()
        store.remove_state(state_name)
        return dict(metrics)


def _format_metric(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
