"""Hashes of input files, cached on disk so that an unchanged export is not read again."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any

import msgspec
import xxhash

from autocakechat.errors import UserError
from autocakechat.files import write_whole


class FileHashes:
    """Hashes files. A hash is cached until the file's size, modification time or inode changes.

    Args:
        cache_file: The file of the cache. If it is missing or damaged, the cache starts empty.
    """

    def __init__(self, cache_file: Path) -> None:
        self._cache_file = cache_file
        # For each path: size, modification time in nanoseconds, inode, hash.
        self._cache: dict[str, list[Any]] = {}
        with contextlib.suppress(OSError, msgspec.DecodeError):
            self._cache = msgspec.json.decode(cache_file.read_bytes(), type=dict[str, list[Any]])

    def hash(self, path: Path) -> str:
        """Returns the XXH3 hash of a file's content, 32 hexadecimal digits.

        XXH3 is not cryptographic, but takes only a tenth of the time of reading the file. It only has to tell the
        user's own exports apart.

        Raises:
            UserError: The file cannot be read.
        """
        try:
            status = path.stat()
            stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
            cached = self._cache.get(str(path))
            if cached and cached[:3] == stamp:
                return str(cached[3])
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}", "check that the file exists and is readable") from None
        self._cache[str(path)] = [*stamp, digest]
        return digest

    def save(self) -> None:
        """Writes the cache to its file, unless the folder of the file does not exist."""
        if self._cache_file.parent.is_dir():
            write_whole(self._cache_file, msgspec.json.encode(self._cache))
