"""Where an export is: in a file, or in a zip archive; and how it is opened as UTF-8."""

from __future__ import annotations

import codecs
import errno
import io
import lzma
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import attrs

from autocakechat import UserError, escape_control_characters
from autocakechat.plugins.sources.telegram.parsing.byte_buffer import HEAD_SIZE

_ZIP_MAGIC = b"PK"
_OTHER_ARCHIVES = (b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
# By their first bytes: a byte order mark, or a brace in two bytes.
_UTF16 = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"{\0", "utf-16-le"), (b"\0{", "utf-16-be"))
# Those whose output zipfile limits: it unpacks a block of any other kind as a whole, which may take all memory.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAX_RATIO = 200  # of a compressed file to its content; JSON of chats has 5 to 30
_MAX_SMALL_SIZE = 1 << 28  # up to this size, the ratio does not matter
_COPY_BLOCK = 1 << 20
# What zipfile raises for damaged, encrypted and unusual archives.
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
)


@attrs.frozen(order=True)
class ExportPath:
    """A file of an export.

    Attributes:
        path: The file, or the zip archive that contains it.
        member: Its name in the archive; empty if it is not in an archive.
    """

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return escape_control_characters(f"{self.path}/{self.member}" if self.member else str(self.path))

    @property
    def file_name(self) -> str:
        """The name of the file without its folder, in lower case: some file systems change the case."""
        return (PurePosixPath(self.member).name if self.member else self.path.name).lower()

    def read_head(self) -> bytes:
        """Returns the beginning of the file, as UTF-8.

        Raises:
            UserError: The file cannot be read.
        """
        with self._open_bytes() as file:
            head = file.read(HEAD_SIZE)
        encoding = _encoding(head)
        return head.decode(encoding, "ignore").encode() if encoding else head

    @contextmanager
    def opened(self, folder: Path) -> Iterator[Callable[[], BinaryIO]]:
        """Opens the file as UTF-8. A file in an archive or in UTF-16 is copied to an unnamed temporary file.

        Args:
            folder: The folder for the copy.

        Yields:
            A function that opens the file once more, at its beginning, without a buffer.

        Raises:
            UserError: The file cannot be read.
        """
        with self._open_bytes() as file:
            head = file.read(HEAD_SIZE)
        encoding = _encoding(head)
        if not self.member and not encoding:
            yield lambda: self.path.open("rb", buffering=0)
            return
        with tempfile.TemporaryFile(dir=folder) as copy:
            with self._open_bytes(copy_to=folder) as file:
                _copy(file, copy, encoding)
            copy.flush()
            yield lambda: cast("BinaryIO", _SharedFile(copy))

    @contextmanager
    def _open_bytes(self, copy_to: Path | None = None) -> Iterator[BinaryIO]:
        """Opens the file, decompressed; errors of the archive become errors for the user."""
        if self.path.exists() and not self.path.is_file():
            raise UserError(f"{self}: not a regular file", "give the path of a file")
        try:
            if not self.member:
                with self.path.open("rb") as file:
                    yield file
                return
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(self.member)
                if info.compress_type not in _COMPRESSIONS:
                    raise UserError(f"{self}: is compressed in an unusual way", "unpack the archive")
                if copy_to:
                    _check_size(info, copy_to, str(self))
                with archive.open(self.member) as member:
                    yield member  # type: ignore[misc]
        except OSError as error:
            if error.errno == errno.ENOSPC:  # the copy could not be written
                raise
            raise UserError(f"{self}: {error.strerror or error}", "check the path and its permissions") from None
        except _ARCHIVE_ERRORS as error:
            raise UserError(f"{self}: cannot be unpacked ({error})", "unpack the archive, or export again") from None


class _SharedFile(io.RawIOBase):
    """Reads a file that several readers share, each from its own position."""

    def __init__(self, file: BinaryIO) -> None:
        self._descriptor = file.fileno()
        self._size = os.fstat(self._descriptor).st_size
        self._position = 0

    def fileno(self) -> int:
        return self._descriptor

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def is_zip(path: Path) -> bool:
    """Returns whether a file is a zip archive, by its first bytes."""
    return _first_bytes(path).startswith(_ZIP_MAGIC)


def is_other_archive(path: Path) -> bool:
    """Returns whether a file is an archive of another kind."""
    return _first_bytes(path).startswith(_OTHER_ARCHIVES)


def members(path: Path) -> list[str]:
    """Returns the names of the files in a zip archive.

    Raises:
        UserError: The archive is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return sorted(name for name in archive.namelist() if PurePosixPath(name).name and not name.endswith("/"))
    except (OSError, *_ARCHIVE_ERRORS) as error:
        name = escape_control_characters(str(path))
        raise UserError(f"{name}: cannot be unpacked ({error})", "unpack the archive, or export again") from None


def _first_bytes(path: Path) -> bytes:
    if not path.is_file():  # opening a pipe could wait for ever
        return b""
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return b""


def _encoding(head: bytes) -> str | None:
    """Returns the encoding of a file in UTF-16; None for UTF-8."""
    return next((encoding for beginning, encoding in _UTF16 if head.startswith(beginning)), None)


def _check_size(info: zipfile.ZipInfo, folder: Path, name: str) -> None:
    """Checks that a file of an archive may be unpacked into a folder."""
    if info.file_size > _MAX_SMALL_SIZE and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
        raise UserError(f"{name}: is compressed more than a chat can be", "unpack the archive if it is one")
    free = shutil.disk_usage(folder).free
    if info.file_size > free:
        raise UserError(
            f"{name}: needs {info.file_size / 1e6:,.0f} MB of disk space, {free / 1e6:,.0f} MB are free in {folder}",
            "free some space",
        )


def _copy(source: BinaryIO, target: BinaryIO, encoding: str | None) -> None:
    if encoding is None:
        shutil.copyfileobj(source, target, _COPY_BLOCK)
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while block := source.read(_COPY_BLOCK):
        target.write(decoder.decode(block).encode("utf-8", "replace"))
    target.write(decoder.decode(b"", final=True).encode("utf-8", "replace"))
