"""Stores artifacts (the corpus and the model) under their artifact keys. An artifact is complete or does not exist."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import attrs
import msgspec

from autocakechat.errors import UserError
from autocakechat.files import replace_folder, sync_tree

ArtifactKind = Literal["corpus", "model"]
MANIFEST_NAMES: dict[ArtifactKind, str] = {"corpus": "corpus.json", "model": "model.json"}

Ingredients = dict[str, Any]
"""Everything an artifact depends on: names such as `extractor.gap` with their values, ready for JSON."""

_KEY_LENGTH = 20
_MAX_CHANGES_SHOWN = 3


def artifact_key(ingredients: Ingredients) -> str:
    """Returns the key of the artifact with these ingredients: 20 hexadecimal digits of their SHA-256."""
    encoded = msgspec.json.encode(ingredients, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:_KEY_LENGTH]


@attrs.frozen
class Artifact:
    """A complete artifact.

    Attributes:
        path: Its folder.
        key: Its artifact key.
        manifest: The content of its manifest.
    """

    path: Path
    key: str
    manifest: dict[str, Any]


class ArtifactStore:
    """The artifacts and stage states of a pipeline, in the folder `.acc` beside its pipeline.toml.

    Args:
        folder: The folder; created when something is stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def beside(cls, pipeline: Path) -> ArtifactStore:
        """Returns the store of a pipeline.toml."""
        return cls(pipeline.resolve().parent / ".acc")

    def find(self, kind: ArtifactKind, key: str) -> Artifact | None:
        """Returns the artifact with a key, or None if it does not exist or is incomplete."""
        folder = self.folder / kind / key
        manifest = read_manifest(folder, kind)
        return Artifact(folder, key, manifest) if manifest is not None else None

    def newest(self, kind: ArtifactKind) -> Artifact | None:
        """Returns the artifact that was built or reused last, or None if there is none."""
        folders = sorted((self.folder / kind).glob("*"), key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
        artifacts = (self.find(kind, folder.name) for folder in folders)
        return next((artifact for artifact in artifacts if artifact), None)

    def touch(self, artifact: Artifact) -> None:
        """Makes an artifact the newest one, because it is reused."""
        os.utime(artifact.path)

    def explain_rebuild(self, kind: ArtifactKind, ingredients: Ingredients) -> str:
        """Returns the reason why an artifact is built: which ingredients differ from those of the newest one."""
        newest = self.newest(kind)
        if newest is None:
            return f"there is no {kind} yet"
        old = newest.manifest.get("ingredients", {})
        changed = sorted(name for name in {*old, *ingredients} if old.get(name) != ingredients.get(name))
        if not changed:
            return "forced"
        listed = ", ".join(changed[:_MAX_CHANGES_SHOWN])
        if len(changed) > _MAX_CHANGES_SHOWN:
            listed += f" and {len(changed) - _MAX_CHANGES_SHOWN} more"
        return f"changed: {listed}"

    @contextlib.contextmanager
    def building(self, kind: ArtifactKind, key: str) -> Iterator[Path]:
        """Builds an artifact: yields an empty folder, and stores it under the key when the block succeeds.

        The block must write the manifest, as its last file: a folder without one is incomplete.
        """
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=unfinished))
        yield folder
        sync_tree(folder)
        final = self.folder / kind / key
        final.parent.mkdir(exist_ok=True)
        replace_folder(folder, final, spare=unfinished / "replaced")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the lock of the store: only one process builds at a time.

        Raises:
            UserError: Another process holds the lock.
        """
        self._create()
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                process = lock.read().strip() or "unknown"
                raise UserError(
                    f"{self.folder}: process {process} is already building here", "wait until it ends, or stop it"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def state(self, name: str) -> Path:
        """Returns the private folder of a stage; it is created on first use and outlives the run."""
        self._create()
        folder = self.folder / "state" / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def remove_state(self, name: str) -> None:
        """Removes the private folder of a stage."""
        shutil.rmtree(self.folder / "state" / name, ignore_errors=True)

    def clean(self) -> list[Path]:
        """Removes unfinished work and every artifact except the newest of each kind.

        Returns:
            The removed folders.
        """
        kinds: tuple[ArtifactKind, ...] = get_args(ArtifactKind)
        newest = {artifact.path for kind in kinds if (artifact := self.newest(kind))}
        folders = [folder for kind in kinds for folder in (self.folder / kind).glob("*") if folder not in newest]
        folders += (self.folder / "unfinished").glob("*")
        folders += (self.folder / "state").glob("model-*")  # checkpoints of interrupted training
        for folder in folders:
            shutil.rmtree(folder)
        return folders

    def _create(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            gitignore = self.folder / ".gitignore"
            if not gitignore.exists():
                gitignore.write_text("*\n")
        except OSError as error:
            hint = "make the folder of the pipeline writable: its artifacts are stored there"
            raise UserError(f"{self.folder}: {error.strerror}", hint) from None


def newest_corpus(pipeline: Path) -> Artifact:
    """Returns the corpus of a pipeline.toml that was built or reused last.

    Raises:
        UserError: There is no corpus yet.
    """
    newest = ArtifactStore.beside(pipeline).newest("corpus")
    if newest is None:
        raise UserError(f"{pipeline}: there is no corpus yet", f"run: acc run {pipeline} --until corpus")
    return newest


def read_manifest(folder: Path, kind: ArtifactKind) -> dict[str, Any] | None:
    """Returns the content of an artifact's manifest, or None if the manifest is missing or damaged."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST_NAMES[kind]).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return manifest if isinstance(manifest, dict) else None
