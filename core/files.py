"""Files and folders, written and replaced so that a crash leaves no half of one."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path


def hash_file(path: Path) -> str:
    """Returns the SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, *content: bytes | memoryview) -> None:
    """Writes a file, piece by piece, so that at any moment either the old content or the new one stands there."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_tree(folder: Path) -> None:
    """Makes sure that all files below a folder are on disk."""
    for path in [folder, *folder.rglob("*")]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace_folder(folder: Path, target: Path, spare: Path) -> None:
    """Puts a folder in the place of another, which is moved to `spare` first and then removed."""
    if target.exists():
        target.rename(spare)
    folder.rename(target)
    shutil.rmtree(spare, ignore_errors=True)
