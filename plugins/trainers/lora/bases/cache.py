"""The folder of the user's account in which bases are kept, and what is known about bases elsewhere on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from autocakechat import hash_file, write_whole
from autocakechat.plugins.trainers.lora.bases.record import BaseRecord

_ELSEWHERE = "folder.txt"


def cache_folder(files: Mapping[str, str]) -> Path:
    """Returns the cache folder of a base.

    Args:
        files: The SHA-256 of its files, by name.
    """
    import platformdirs

    content = "\n".join(f"{digest} {name}" for name, digest in sorted(files.items()))
    account: Path = platformdirs.user_cache_path("autocakechat")
    return account / "bases" / hashlib.sha256(content.encode()).hexdigest()[:16]


def remember(record: BaseRecord, folder: Path) -> None:
    """Records where a base is that is too large for the model folder.

    Args:
        record: The base.
        folder: The folder that contains its files.
    """
    cache = cache_folder(record.files)
    if folder != cache:
        cache.mkdir(parents=True, exist_ok=True)
        write_whole(cache / _ELSEWHERE, str(folder.resolve()).encode())


def known_folders(record: BaseRecord) -> Iterator[Path]:
    """Yields the folders in which a base may be.

    Args:
        record: The base.
    """
    cache = cache_folder(record.files)
    yield cache
    if (cache / _ELSEWHERE).is_file():
        yield Path((cache / _ELSEWHERE).read_text("utf-8"))


def has_files(folder: Path, files: Mapping[str, str]) -> bool:
    """Returns whether a folder contains files with these checksums."""
    return all((folder / name).is_file() and hash_file(folder / name) == digest for name, digest in files.items())
