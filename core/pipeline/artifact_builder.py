"""What building the corpus and the model have in common: ingredients, and reusing an artifact with the same key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from autocakechat.artifacts.store import Artifact, ArtifactKind, Ingredients, artifact_key
from autocakechat.config.pipeline import StageConfig
from autocakechat.interface.options import values_affecting_key
from autocakechat.interface.stage_types import Input, StageType
from autocakechat.pipeline.run_services import RunServices


@attrs.frozen
class BuiltArtifact:
    """The result of building or reusing an artifact.

    Attributes:
        artifact: The artifact.
        reused: Whether it existed before.
        measured: The corpus report, or the model's metrics, as JSON objects.
    """

    artifact: Artifact
    reused: bool = attrs.field(kw_only=True)
    measured: dict[str, Any]


def find_reusable(services: RunServices, kind: ArtifactKind, key: str) -> Artifact | None:
    """Returns the artifact with a key, which becomes the newest one; None if it has to be built."""
    artifact = services.store.find(kind, key)
    if artifact:
        services.log.info("%s: reused, nothing it depends on has changed", kind)
        services.store.touch(artifact)
    return artifact


def find_built(services: RunServices, kind: ArtifactKind, key: str) -> Artifact:
    """Returns the artifact that was just built."""
    artifact = services.store.find(kind, key)
    assert artifact is not None
    return artifact


def describe_dry_run(services: RunServices, kind: ArtifactKind, ingredients: Ingredients, force: bool) -> str:
    """Returns the line of a dry run: whether an artifact would be reused, or built and why."""
    if not force and services.store.find(kind, artifact_key(ingredients)):
        return f"{kind}: would be reused"
    return f"{kind}: would be built ({services.store.explain_rebuild(kind, ingredients)})"


def stage_ingredients(config: StageConfig[StageType]) -> Ingredients:
    """Returns the ingredients that a stage adds: its name, its version and its options."""
    ingredients: Ingredients = {
        f"{config.table}.use": config.stage.name,
        f"{config.table}.version": config.stage.version,
    }
    for name, value in values_affecting_key(config.options).items():
        ingredients[f"{config.table}.{name}"] = value
    return ingredients


def input_ingredients(services: RunServices, config: StageConfig[StageType], inputs: Iterable[Input]) -> Ingredients:
    """Returns the ingredients that the inputs of a stage add: the hashes of their files."""
    hash_file = services.hashes.hash
    return {f"{config.table}: {entry.name}": [hash_file(path) for path in entry.paths] for entry in inputs}
