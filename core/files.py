"""Writes files atomically, replaces folders, and flushes them to disk."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path


def hash_file(path: Path) -> str:
    """Returns the SHA-256 of a file's content as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, *content: bytes | memoryview) -> None:
    """Writes a file atomically: after a crash it has either the old content or the new content.

    Args:
        path: The file.
        content: The content, in one or more pieces.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_tree(folder: Path) -> None:
    """Calls fsync on a folder and on everything below it."""
    for path in [folder, *folder.rglob("*")]:
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
        spare: A free path on the same disk, to move the replaced folder to before it is deleted.
    """
    if target.exists():
        target.rename(spare)
    folder.rename(target)
    shutil.rmtree(spare, ignore_errors=True)
