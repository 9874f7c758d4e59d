"""Decides what `acc clean` removes: everything that no pipeline of the folder can use."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autocakechat.artifacts.pipeline_history import PipelineHistory
from autocakechat.artifacts.store import MANIFEST_NAMES, ArtifactStore
from autocakechat.pipeline.artifact_lookup import ArtifactLookup
from autocakechat.pipeline.ingredients import CORPUS
from autocakechat.pipeline.run_services import RunServices


def unused_folders(store: ArtifactStore, pipelines: Iterable[RunServices], unreadable: Iterable[Path]) -> list[Path]:
    """Returns the folders that can be removed: unused artifacts, unfinished work and checkpoints.

    Of each kind, the artifact that a pipeline would use and the one that it used last are kept, the corpus of each kept
    model, and the newest artifact of all.

    Args:
        store: The artifact store of the folder.
        pipelines: The pipelines of the folder.
        unreadable: Pipeline files of the folder with problems. The artifact that each used last is kept.
    """
    kept = {(kind, artifact.key) for kind in MANIFEST_NAMES if (artifact := store.newest(kind))}
    for services in pipelines:
        lookup = ArtifactLookup(services)
        candidates = [found for kind in MANIFEST_NAMES for found in (lookup.find(kind), services.last_used(kind))]
        kept |= {(artifact.kind, artifact.key) for artifact in candidates if artifact}
    for path in unreadable:
        history = PipelineHistory(store.pipeline_folder(path))
        kept |= {(kind, key) for kind in MANIFEST_NAMES for key in history.keys(kind)[-1:]}
    models = [model for model in store.artifacts("model") if ("model", model.key) in kept]
    kept |= {("corpus", str(model.ingredients.get(CORPUS))) for model in models}
    artifacts = [
        folder
        for kind in MANIFEST_NAMES
        for folder in (store.folder / kind).glob("*")
        if (kind, folder.name) not in kept
    ]
    folders = [*artifacts, *(store.folder / "unfinished").glob("*"), *store.training_states()]
    return [folder for folder in folders if folder.is_dir()]  # a file manager may add files such as .DS_Store
