"""Finds the corpus and the model that a pipeline makes, without its chat log.

All pipelines of a folder share one store, so the newest artifact may be another person's. An artifact belongs to a
pipeline if its ingredients agree with the pipeline, as far as they are known without the chat log.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from autocakechat.artifacts.store import Artifact, ArtifactKind, Ingredients
from autocakechat.artifacts.summary import ArtifactSummary
from autocakechat.config.pipeline import Pipeline
from autocakechat.errors import UserError
from autocakechat.interface.options import default_values_affecting_key
from autocakechat.pipeline.ingredients import (
    CONTINUED_FROM,
    CORPUS,
    corpus_settings,
    input_hashes,
    is_input,
    model_settings,
)
from autocakechat.pipeline.run_services import RunServices
from autocakechat.pipeline.stage_results import stage_inputs
from autocakechat.text import list_items


@attrs.frozen
class ArtifactLookup:
    """Finds the artifacts of a pipeline.

    Attributes:
        services: The services of the run.
    """

    services: RunServices

    def find(self, kind: ArtifactKind) -> Artifact | None:
        """Returns the artifact that belongs to the pipeline; of several, the one that the pipeline used last."""
        used = self.services.history.keys(kind)
        ranks = {key: rank for rank, key in enumerate(used)}
        matching = [artifact for artifact in self.services.store.artifacts(kind) if not self.differences(artifact)]
        return max(matching, key=lambda artifact: ranks.get(artifact.key, -1), default=None)

    def require(self, kind: ArtifactKind) -> Artifact:
        """Returns the artifact that belongs to the pipeline.

        Raises:
            UserError: There is none; the message names what differs in the newest one.
        """
        artifact = self.find(kind)
        if artifact is not None:
            return artifact
        newest = self.newest(kind)
        path = self.services.pipeline.path
        raise UserError(
            f"{path}: no {kind} was made with these settings; the newest one ({ArtifactSummary.of(newest)}) differs in "
            f"{list_items(sorted(self.differences(newest)))}",
            f"run: acc run {path}{' --until corpus' if kind == 'corpus' else ''}, or use the newest one with --any",
        )

    def newest(self, kind: ArtifactKind) -> Artifact:
        """Returns the artifact that was built or reused last by any pipeline of the folder.

        Raises:
            UserError: There is none.
        """
        newest = self.services.store.newest(kind)
        if newest is None:
            path = self.services.pipeline.path
            until = " --until corpus" if kind == "corpus" else ""
            raise UserError(f"{path}: there is no {kind} yet", f"run: acc run {path}{until}")
        return newest

    def differences(self, artifact: Artifact) -> set[str]:
        """Returns the names of the ingredients in which an artifact differs from what the pipeline makes.

        The content of the chat log counts only for an artifact that other pipelines made: for one of this pipeline, a
        newer export is not a difference.
        """
        is_own = artifact.key in self.services.history.keys(artifact.kind)
        pipeline = self.services.pipeline
        if artifact.kind == "corpus":
            differences = _compare(corpus_settings(pipeline), artifact.ingredients, pipeline)
            return differences if is_own or differences else self._changed_inputs(artifact)
        differences = _compare(model_settings(pipeline), artifact.ingredients, pipeline)
        if pipeline.extractor is None and not pipeline.sources:
            return differences  # the file only deploys; it does not say whose corpus it is about
        corpus = self.services.store.find("corpus", artifact.ingredients.get(CORPUS, ""))
        if corpus is not None:
            return differences | self.differences(corpus)
        return differences if is_own else differences | {CORPUS}

    def _changed_inputs(self, corpus: Artifact) -> set[str]:
        """Returns the names of the inputs whose files differ from those of a corpus. Missing files do not count."""
        changed: set[str] = set()
        for source in self.services.pipeline.sources:
            try:
                owner = self.services.manager.owner(source.stage)
                inputs = input_hashes(source, stage_inputs(owner, source.stage, source.options), self.services.hashes)
            except UserError:
                continue  # the chat log was moved or deleted
            old = {name for name in corpus.ingredients if name.startswith(f"{source.table}: ")}
            changed |= {name for name in old | set(inputs) if inputs.get(name) != corpus.ingredients.get(name)}
        return changed


def _compare(expected: Ingredients, actual: Ingredients, pipeline: Pipeline) -> set[str]:
    """Returns the names of the settings that differ. Versions of stages and formats do not count."""
    tables = {name.rpartition(".")[0] for name in expected}
    defaults = _defaults(pipeline)
    differences = {
        name
        for name, value in expected.items()
        # An artifact of an older version lacks options that were added later.
        if actual.get(name, defaults.get(name)) != value
    }
    differences |= {name for name in actual if name not in expected and name.rpartition(".")[0] in tables}
    return {name for name in differences if not _is_ignored(name)}


def _is_ignored(name: str) -> bool:
    return name in ("form", CORPUS, CONTINUED_FROM) or name.endswith(".version") or is_input(name)


def _defaults(pipeline: Pipeline) -> Ingredients:
    """Returns the default values of the options of all tables."""
    configs: Iterable[tuple[str, type]] = [
        *((config.table, config.stage.config) for config in pipeline.stages),
        ("corpus", type(pipeline.corpus)),
    ]
    return {
        f"{table}.{name}": value for table, cls in configs for name, value in default_values_affecting_key(cls).items()
    }
