"""What building the corpus and the model have in common: reusing an artifact, and explaining why one is built."""

from __future__ import annotations

from typing import Any

import attrs

from autocakechat.artifacts.store import Artifact, ArtifactKind, Ingredients, artifact_key
from autocakechat.pipeline.run_services import RunServices
from autocakechat.text import list_items


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
        services.history.record(kind, key)
    return artifact


def find_built(services: RunServices, kind: ArtifactKind, key: str) -> Artifact:
    """Returns the artifact that was just built, and records that the pipeline uses it."""
    artifact = services.store.find(kind, key)
    assert artifact is not None
    services.history.record(kind, key)
    return artifact


def describe_dry_run(services: RunServices, kind: ArtifactKind, ingredients: Ingredients, force: bool) -> str:
    """Returns the line of a dry run: whether an artifact would be reused, or built and why."""
    if not force and services.store.find(kind, artifact_key(ingredients)):
        return f"{kind}: would be reused"
    return f"{kind}: would be built ({explain_rebuild(services, kind, ingredients)})"


def explain_rebuild(services: RunServices, kind: ArtifactKind, ingredients: Ingredients) -> str:
    """Returns the reason why an artifact is built: what differs from the one that the pipeline used last."""
    previous = services.last_used(kind)
    if previous is None:
        return f"there is no {kind} {'of this pipeline ' if services.store.newest(kind) else ''}yet"
    old = previous.ingredients
    changed = {name for name in {*old, *ingredients} if old.get(name) != ingredients.get(name)}
    return f"changed: {list_items(sorted(changed))}" if changed else "forced"
