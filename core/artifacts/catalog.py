"""Lists the artifacts of a store with everything a person wants to know, and finds one by the start of its key."""

from __future__ import annotations

from typing import Any

import attrs

from autocakechat.artifacts.pipeline_history import PipelineHistory
from autocakechat.artifacts.store import MANIFEST_NAMES, Artifact, ArtifactStore
from autocakechat.artifacts.summary import ArtifactSummary, folder_size
from autocakechat.errors import UserError


@attrs.frozen
class CatalogEntry:
    """An artifact of a store.

    Attributes:
        artifact: The artifact.
        summary: Whose it is, how large, when and how it was made.
        bytes: The size of its files.
        pipelines: The names of the pipeline files that built or reused it.
    """

    artifact: Artifact
    summary: ArtifactSummary
    bytes: int
    pipelines: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns the entry as JSON types."""
        return {
            **attrs.asdict(self.summary),
            "bytes": self.bytes,
            "pipelines": list(self.pipelines),
            "path": str(self.artifact.path.resolve()),
        }


def list_artifacts(store: ArtifactStore) -> list[CatalogEntry]:
    """Returns all complete artifacts: the corpora, then the models, of each kind the one used last first."""
    histories = {folder.name: PipelineHistory(folder) for folder in sorted((store.folder / "pipelines").glob("*"))}
    return [_entry(artifact, histories) for kind in MANIFEST_NAMES for artifact in store.artifacts(kind)]


def find_artifact(store: ArtifactStore, key: str) -> CatalogEntry:
    """Returns an artifact by its key or the first digits of it.

    Raises:
        UserError: No artifact has such a key, or several have.
    """
    matching = [entry for entry in list_artifacts(store) if key and entry.artifact.key.startswith(key)]
    if len(matching) > 1:
        keys = ", ".join(entry.artifact.key for entry in matching)
        raise UserError(f"the key {key!r} fits {len(matching)} artifacts: {keys}", "give more digits of the key")
    if not matching:
        raise UserError(f"{store.folder}: no corpus or model has the key {key!r}", "run: acc models")
    return matching[0]


def _entry(artifact: Artifact, histories: dict[str, PipelineHistory]) -> CatalogEntry:
    users = tuple(name for name, history in histories.items() if artifact.key in history.keys(artifact.kind))
    return CatalogEntry(artifact, ArtifactSummary.of(artifact), folder_size(artifact.path), users)
