"""Keeps artifacts: the corpus and the model, each under the key of all that made it, whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import attrs
import msgspec
import xxhash

from autocakechat.errors import UserError
from autocakechat.files import replace_folder, sync_tree, write_whole

Kind = Literal["corpus", "model"]
MANIFEST = {"corpus": "corpus.json", "model": "model.json"}

# What an artifact was made from: names (such as `extractor.gap`) and values. Equal ingredients make equal artifacts.
Ingredients = dict[str, Any]


def key_of(ingredients: Ingredients) -> str:
    """Returns the key of what is made from ingredients: 20 hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(ingredients, order="deterministic")).hexdigest()[:20]


@attrs.frozen
class Artifact:
    """A complete artifact.

    Attributes:
        path: Its folder.
        key: The key of what made it.
        manifest: What its manifest says.
    """

    path: Path
    key: str
    manifest: dict[str, Any]


class ArtifactStore:
    """The folder `.acc` beside a pipeline.toml.

    Args:
        folder: The folder; made when something is put into it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def beside(cls, pipeline: Path) -> ArtifactStore:
        """Returns the store of a pipeline.toml."""
        return cls(pipeline.resolve().parent / ".acc")

    def find(self, kind: Kind, key: str) -> Artifact | None:
        """Returns the complete artifact of a key, if there is one."""
        folder = self.folder / kind / key
        manifest = read_manifest(folder, kind)
        return Artifact(folder, key, manifest) if manifest is not None else None

    def newest(self, kind: Kind) -> Artifact | None:
        """Returns the complete artifact that was made or asked for last."""
        folders = sorted((self.folder / kind).glob("*"), key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
        found = (self.find(kind, folder.name) for folder in folders)
        return next((artifact for artifact in found if artifact), None)

    def touch(self, artifact: Artifact) -> None:
        """Makes an artifact the newest one, since it was asked for."""
        os.utime(artifact.path)

    def why_not(self, kind: Kind, ingredients: Ingredients) -> str:
        """Says why no artifact with these ingredients could be reused."""
        newest = self.newest(kind)
        if newest is None:
            return f"there is no {kind} yet"
        old = newest.manifest.get("ingredients", {})
        names = sorted(name for name in {*old, *ingredients} if old.get(name) != ingredients.get(name))
        if not names:
            return "it was asked for"
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        return f"changed: {listed}"

    @contextlib.contextmanager
    def building(self, kind: Kind, key: str) -> Iterator[Path]:
        """Gives an empty folder to build an artifact in, which becomes the artifact when the block ends well.

        The manifest is written by the caller as the last file.
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
        """Holds the store's lock, so that one process at a time builds.

        Raises:
            UserError: Another process holds it.
        """
        self._prepare()
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise UserError(
                    f"{self.folder}: process {holder} is building here", "wait until it is done, or stop it"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def state(self, name: str) -> Path:
        """Returns a folder that belongs to one stage alone."""
        self._prepare()
        folder = self.folder / "state" / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def forget_state(self, name: str) -> None:
        """Removes what a stage kept."""
        shutil.rmtree(self.folder / "state" / name, ignore_errors=True)

    def clean(self) -> list[Path]:
        """Removes unfinished work and every artifact but the newest of each kind; returns what was removed."""
        keep = {artifact.path for kind in MANIFEST if (artifact := self.newest(kind))}  # type: ignore[arg-type]
        folders = [folder for kind in MANIFEST for folder in (self.folder / kind).glob("*") if folder not in keep]
        folders += [*(self.folder / "unfinished").glob("*"), *(self.folder / "state").glob("model-*")]
        for folder in folders:
            shutil.rmtree(folder)
        return folders

    def _prepare(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            raise UserError(f"{self.folder}: {error.strerror}", "the pipeline keeps its work there") from None


def newest_corpus(pipeline: Path) -> Artifact:
    """Returns the corpus of a pipeline.toml that was made or asked for last.

    Raises:
        UserError: There is none yet.
    """
    newest = ArtifactStore.beside(pipeline).newest("corpus")
    if newest is None:
        raise UserError(f"{pipeline}: no corpus was made yet", f"type: acc run {pipeline} --until corpus")
    return newest


class Hashes:
    """Hashes of files, remembered by size, time and inode, so that an unchanged export is not read twice.

    Args:
        memory: The file they are remembered in.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        try:
            self._known: dict[str, list[Any]] = msgspec.json.decode(memory.read_bytes(), type=dict[str, list[Any]])
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            self._known = {}

    def of(self, path: Path) -> str:
        """Returns a hash of a file's content: XXH3, which takes a tenth of the time of reading the file.

        Nobody gains from an export that is taken for another, so it need not withstand an attack.

        Raises:
            UserError: It cannot be read.
        """
        try:
            status = path.stat()
            stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
            known = self._known.get(str(path))
            if known and known[:3] == stamp:
                return str(known[3])
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}", "check that it is there and may be read") from None
        self._known[str(path)] = [*stamp, digest]
        return digest

    def save(self) -> None:
        """Writes them down."""
        if self._memory.parent.is_dir():
            write_whole(self._memory, msgspec.json.encode(self._known))


def read_manifest(folder: Path, kind: Kind) -> dict[str, Any] | None:
    """Returns what an artifact's manifest says, or None where there is no whole one."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST[kind]).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return manifest if isinstance(manifest, dict) else None
