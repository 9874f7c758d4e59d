"""Writes files atomically, replaces folders, and flushes them to disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def hash_file(path: Path) -> str:
    """Returns the SHA-256 of a file's content as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, *content: bytes | memoryview, mode: int = 0o666) -> None:
    """Writes a file atomically: after a crash it has either the old content or the new content.

    Args:
        path: The file.
        content: The content, in one or more pieces.
        mode: The permissions of the file, less those that the umask removes.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # it may have other permissions
    with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())
    rename(temporary, path)


@contextmanager
def writing_whole(path: Path) -> Iterator[BinaryIO]:
    """Opens a temporary file beside a file, which replaces it when the block ends without an error.

    Args:
        path: The file.

    Yields:
        The temporary file. Only its owner may read it.

    Raises:
        OSError: The file cannot be written.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        rename(Path(name), path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def rename(path: Path, target: Path) -> None:
    """Renames a file or folder, and returns when the new name is on the disk."""
    path.replace(target)
    _sync(target.parent)


def sync_tree(folder: Path) -> None:
    """Calls fsync on a folder and on everything below it."""
    for path in [folder, *folder.rglob("*")]:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_folder(folder: Path, target: Path, spare: Path) -> None:
    """Moves a folder to `target`, with two renames if `target` exists.

    A crash between the renames leaves nothing at `target`; the old folder is then at `spare`.

    Args:
        folder: The new folder.
        target: Its place. A folder that already exists there is replaced.
        spare: A path on the same disk, to move the replaced folder to before it is deleted. A crash may have left a
            folder there.
    """
    if target.exists():
        shutil.rmtree(spare, ignore_errors=True)
        rename(target, spare)
    rename(folder, target)
    shutil.rmtree(spare, ignore_errors=True)
