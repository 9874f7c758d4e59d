"""Opens the weights file of an original model, directly or in a tar archive.

Archives are untrusted: only the weights are extracted, to an unnamed file, and unsafe archives are rejected.
"""

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
from autocakechat.plugins.trainers.cakechat.pretrained.files import ARCHIVE_SUFFIXES, MODEL_NAME

MAX_BYTES = 4 * 2**30
"""Size limit of a download and of an archive's unpacked content; the published model has a few hundred megabytes."""

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextmanager
def open_weights(path: Path) -> Iterator[IO[bytes]]:
    """Opens a weights file.

    Args:
        path: An HDF5 file, or a tar archive that contains one regular file named `model`, in any folder.

    Yields:
        The content of the weights file. For an archive, this is an unnamed temporary copy.

    Raises:
        UserError: The file cannot be read, or the archive is damaged or contains an unsafe member.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}", "check that the file exists and that you may read it"
        ) from None
    with file:
        if _is_hdf5(file) or not path.name.endswith(ARCHIVE_SUFFIXES):
            yield file
        else:
            with tempfile.TemporaryFile() as copy:
                _extract_model(path, file, copy)
                yield copy


def _is_hdf5(file: IO[bytes]) -> bool:
    signature = file.read(len(_HDF5_SIGNATURE))
    file.seek(0)
    return signature == _HDF5_SIGNATURE


def _extract_model(path: Path, archive: IO[bytes], copy: IO[bytes]) -> None:
    """Copies the member named `model`; the copy is then at its start.

    Raises:
        UserError: The archive is damaged or unsafe.
    """
    try:
        _copy_checked_member(path, archive, copy)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # an error of the system, such as a full disk
            raise
        raise _invalid_archive(path, f"damaged archive: {error}") from None
    copy.seek(0)


def _copy_checked_member(path: Path, archive: IO[bytes], copy: IO[bytes]) -> None:
    """Copies the member named `model`, and checks every member.

    The archive is streamed. The running total of the sizes is checked before each member is read, so a decompression
    bomb is rejected before its content is unpacked.
    """
    is_copied, total = False, 0
    with tarfile.open(fileobj=archive, mode="r|*") as members:
        for member in members:
            total += member.size
            if total > MAX_BYTES:
                raise _invalid_archive(path, f"contains more than {MAX_BYTES:,} bytes")
            _check_member(path, member)
            if not member.isreg() or PurePosixPath(member.name).name != MODEL_NAME:
                continue
            if is_copied:
                raise _invalid_archive(path, f"contains two files named {MODEL_NAME}")
            is_copied = True
            content = members.extractfile(member)
            assert content is not None
            shutil.copyfileobj(content, copy)
    if not is_copied:
        raise _invalid_archive(path, f"contains no file named {MODEL_NAME}")


def _check_member(path: Path, member: tarfile.TarInfo) -> None:
    """Rejects paths outside the archive, links, devices, pipes and sparse files."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise _invalid_archive(path, f"the path {member.name} points outside the archive")
    if not (member.isdir() or (member.isreg() and not member.issparse())):
        raise _invalid_archive(path, f"{member.name} is neither a file nor a folder")


def _invalid_archive(path: Path, problem: str) -> UserError:
    return UserError(f"{path}: {problem}", "use an archive published by CakeChat, which contains one file named model")
