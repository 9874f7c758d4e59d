"""Takes the one file named `model` out of an archive, and nothing else. An archive from anywhere is not trusted."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from autocakechat import UserError

MEMBER = "model"
MOST_BYTES = 4 * 2**30
"""Larger files, and archives that hold more, are refused: the published model has some hundred megabytes."""

_HDF5 = b"\x89HDF\r\n\x1a\n"


@contextmanager
def open_weights(file: Path) -> Iterator[IO[bytes]]:
    """Opens a file of weights, or the one in an archive.

    Args:
        file: HDF5, or an archive that holds a regular file named `model`, in whatever folder.

    Yields:
        The content. Of an archive it is a copy without a name, which is gone afterwards.

    Raises:
        UserError: It cannot be read, or is an archive with anything in it that has no business there.
    """
    try:
        plain = file.open("rb")
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from None
    with plain:
        if plain.read(len(_HDF5)) == _HDF5 or not file.name.endswith((".tar", ".tgz", ".tar.gz")):
            plain.seek(0)
            yield plain
            return
        plain.seek(0)
        with tempfile.TemporaryFile() as copy:
            try:
                _take(file, plain, copy)
            except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
                if isinstance(error, OSError) and error.errno:  # not the archive's fault: a full disk, say
                    raise
                raise _unusable(file, f"damaged: {error}") from None
            copy.seek(0)
            yield copy


def _take(file: Path, archive: IO[bytes], copy: IO[bytes]) -> None:
    found, room = False, MOST_BYTES
    with tarfile.open(fileobj=archive, mode="r|*") as members:
        for member in members:
            room -= member.size
            if room < 0:
                raise _unusable(file, f"holds more than {MOST_BYTES:,} bytes")
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts:
                raise _unusable(file, f"{member.name} would lie outside of it")
            if not (member.isdir() or (member.isreg() and not member.issparse())):
                raise _unusable(file, f"{member.name} is neither a file nor a folder")
            if member.isreg() and name.name == MEMBER:
                if found:
                    raise _unusable(file, f"holds two files named {MEMBER}")
                found = True
                content = members.extractfile(member)
                assert content is not None
                shutil.copyfileobj(content, copy)
    if not found:
        raise _unusable(file, f"holds no file named {MEMBER}")


def _unusable(file: Path, what: str) -> UserError:
    return UserError(f"{file}: {what}", "give an archive as CakeChat published it, with one file named model in it")
