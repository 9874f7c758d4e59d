"""Stores artifacts (the corpus and the model) under their artifact keys. An artifact is complete or does not exist."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard

import attrs
import msgspec

from autocakechat.config.toml_reader import pipelines_in
from autocakechat.errors import UserError
from autocakechat.files import rename, replace_folder, sync_tree
from autocakechat.interface.model_file import read_json

ArtifactKind = Literal["corpus", "model"]
MANIFEST_NAMES: dict[ArtifactKind, str] = {"corpus": "corpus.json", "model": "model.json"}

Ingredients = dict[str, Any]
"""Everything an artifact depends on: names such as `extractor.gap` with their values, ready for JSON."""

Name = Annotated[str, msgspec.Meta(max_length=1000)]
"""A string of a manifest that is shown in one line."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]

_KEY = re.compile(r"[\w-]{1,100}")
_KEY_LENGTH = 20
_TRAINING_STATE = "model-"
_PIPELINE_LOCK = "in-use"


def artifact_key(ingredients: Ingredients) -> str:
    """Returns the key of the artifact with these ingredients: 20 hexadecimal digits of their SHA-256."""
    encoded = msgspec.json.encode(ingredients, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:_KEY_LENGTH]


def is_key(value: object) -> TypeGuard[str]:
    """Returns whether a value of a manifest can be an artifact key: the name of a folder, not a path."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


@attrs.frozen
class Artifact:
    """A complete artifact.

    Attributes:
        path: Its folder.
        kind: What it is.
        key: Its artifact key.
        manifest: The content of its manifest.
    """

    path: Path
    kind: ArtifactKind
    key: str
    manifest: dict[str, Any]

    @property
    def ingredients(self) -> Ingredients:
        """Everything it depends on; empty for a manifest without ingredients."""
        ingredients: Ingredients = self.manifest.get("ingredients", {})
        return ingredients


class ArtifactStore:
    """The artifacts and stage states of all pipelines in a folder, in its subfolder `.acc`.

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
        return Artifact(folder, kind, key, manifest) if manifest is not None else None

    def artifacts(self, kind: ArtifactKind) -> Iterator[Artifact]:
        """Yields the complete artifacts of a kind, the one that was built or reused last first."""
        folders = sorted((self.folder / kind).glob("*"), key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
        return filter(None, (self.find(kind, folder.name) for folder in folders))

    def newest(self, kind: ArtifactKind) -> Artifact | None:
        """Returns the artifact that was built or reused last, or None if there is none."""
        return next(self.artifacts(kind), None)

    def touch(self, artifact: Artifact) -> None:
        """Makes an artifact the newest one, because it is reused."""
        os.utime(artifact.path)

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
    def scratch(self) -> Iterator[Path]:
        """Yields an empty temporary folder, which is removed after the block, and holds the lock.

        If the process is killed, `acc clean` and the next build remove it.

        Raises:
            UserError: Another process holds the lock.
        """
        with self.locked():
            unfinished = self.folder / "unfinished"
            unfinished.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="scratch-", dir=unfinished) as folder:
                yield Path(folder)

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

    def remove(self, folder: Path) -> None:
        """Removes a folder of the store, or the whole store.

        The manifests are removed first: after an interruption, no artifact is left that looks complete but is not.

        Raises:
            UserError: A file cannot be removed.
        """
        try:
            for name in MANIFEST_NAMES.values():
                for manifest in folder.rglob(name):
                    manifest.unlink()
            shutil.rmtree(folder)
        except OSError as error:
            raise UserError(f"{error.filename or folder}: {error.strerror}", "remove it by hand") from None

    def training_state(self, key: str) -> Path:
        """Returns the folder for the checkpoints of a model's training; it is created on first use."""
        return self._make_private(self._training_folder(key))

    def remove_training_state(self, key: str) -> None:
        """Removes the checkpoints of a model's training."""
        shutil.rmtree(self._training_folder(key), ignore_errors=True)

    def training_states(self) -> list[Path]:
        """Returns the folders with checkpoints of interrupted training."""
        return list((self.folder / "state").glob(f"{_TRAINING_STATE}*"))

    def pipeline_folder(self, pipeline: Path) -> Path:
        """Returns the private folder of a pipeline.toml, which may not exist yet."""
        return self.folder / "pipelines" / pipeline.resolve().name

    def pipeline_state(self, pipeline: Path, name: str) -> Path:
        """Returns the folder that a stage of a pipeline keeps between runs; it is created on first use.

        Args:
            pipeline: The pipeline.toml.
            name: The name of the folder.
        """
        folder = self.pipeline_folder(pipeline) / name
        former = self.folder / "state" / name  # earlier versions had one folder for all pipelines
        if former.is_dir() and any(former.iterdir()) and not folder.exists():
            self._require_single_pipeline(former, folder)
            self._make_private(folder.parent)
            rename(former, folder)
        return self._make_private(folder)

    @contextlib.contextmanager
    def pipeline_in_use(self, pipeline: Path) -> Iterator[None]:
        """Protects the private folder of a pipeline.toml from `require_unused_pipelines` while the block runs."""
        folder = self.pipeline_folder(pipeline)
        try:
            lock = (folder / _PIPELINE_LOCK).open("a")
        except OSError:  # the folder does not exist or is read-only, so there is nothing to protect
            yield
            return
        with lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def require_unused_pipelines(self) -> None:
        """Checks that no process uses the private folder of a pipeline.

        Raises:
            UserError: A bot or a chat is running.
        """
        for path in sorted((self.folder / "pipelines").glob(f"*/{_PIPELINE_LOCK}")):
            with path.open("a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    message = f"{path.parent.name}: a bot or a chat of this pipeline is running"
                    raise UserError(message, "stop it first") from None

    def _require_single_pipeline(self, former: Path, folder: Path) -> None:
        """Checks that data which earlier versions stored for all pipelines belongs to the only pipeline beside it.

        Raises:
            UserError: There are several pipelines.
        """
        pipelines = [path.name for path in pipelines_in(self.folder.parent)]
        if len(pipelines) > 1:
            raise UserError(
                f"{former}: holds data of an earlier version, and {', '.join(pipelines)} may have stored it",
                f"create the folder {folder}, and move the files there that belong to {folder.parent.name}",
            )

    def _training_folder(self, key: str) -> Path:
        return self.folder / "state" / f"{_TRAINING_STATE}{key}"

    def _make_private(self, folder: Path) -> Path:
        self._create()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def _create(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.folder.stat()
            if status.st_mode & 0o077 and status.st_uid == os.getuid():
                self.folder.chmod(0o700)
            gitignore = self.folder / ".gitignore"
            if not gitignore.exists():
                gitignore.write_text("*\n")
        except OSError as error:
            hint = "make the folder of the pipeline writable: its artifacts are stored there"
            raise UserError(f"{self.folder}: {error.strerror}", hint) from None


class _ManifestSummary(msgspec.Struct):
    """What the manifests of corpora and models have in common. Older versions wrote fewer fields."""

    key: Name = ""
    person: Name | None = None
    replies: Count | None = None
    created: Name | None = None
    trainer: Name | None = None
    metrics: dict[Name, Any] = {}
    ingredients: Ingredients = {}


def read_manifest(folder: Path, kind: ArtifactKind) -> dict[str, Any] | None:
    """Returns the content of an artifact's manifest, or None if the manifest is missing or damaged."""
    try:
        manifest = read_json(folder / MANIFEST_NAMES[kind], dict[str, Any])
        msgspec.convert(manifest, _ManifestSummary)
    except (UserError, msgspec.ValidationError):
        return None
    return manifest
