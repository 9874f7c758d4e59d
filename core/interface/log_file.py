"""The files of a chat log, on the disk or in zip archives, which may come from a stranger."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

import attrs

from autocakechat.errors import UserError
from autocakechat.text import escape_control_characters

_ZIP_MAGIC = b"PK"
_BLOCK = 1 << 16
# Those whose output zipfile limits: it unpacks a block of any other kind as a whole, which may take all memory.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAX_RATIO = 200  # of a compressed file to its content; chats have 5 to 30
_MAX_SMALL_SIZE = 1 << 28  # up to this size, the ratio does not matter
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
class LogFile:
    """A file of a chat log.

    Attributes:
        path: The file, or the zip archive that contains it.
        member: Its name in the archive; empty if it is not in an archive.
    """

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return escape_control_characters(str(self.location))

    @property
    def location(self) -> Path:
        """Where the file is, as if archives were folders. Only for names: an archive decides what it contains."""
        return Path(f"{self.path}/{self.member}") if self.member else self.path

    @property
    def file_name(self) -> str:
        """The name of the file without its folder, in lower case: some file systems change the case."""
        return (PurePosixPath(self.member).name if self.member else self.path.name).lower()


class LogFileOpener:
    """Opens files of a chat log, and each archive only once. Use it as a context manager."""

    def __init__(self) -> None:
        self._archives: dict[Path, zipfile.ZipFile] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def members(self, archive: Path) -> list[LogFile]:
        """Returns the files in a zip archive, sorted by name.

        Raises:
            UserError: The archive is damaged.
        """
        with _explained_errors(LogFile(archive)):
            names = self._open_archive(archive).namelist()
        return [LogFile(archive, name) for name in sorted(set(names)) if _is_file_name(name)]

    def size(self, file: LogFile) -> int:
        """Returns the size of a file in bytes, unpacked.

        Raises:
            UserError: The file cannot be read.
        """
        with _explained_errors(file):
            if not file.member:
                return file.path.stat().st_size
            return self._open_archive(file.path).getinfo(file.member).file_size

    @contextmanager
    def open(self, file: LogFile) -> Iterator[io.BufferedReader]:
        """Opens a file, which is unpacked while it is read. A block of unpacked content has a bounded size.

        Yields:
            The file at its beginning. One in an archive cannot seek; reading it raises UserError if it is damaged.

        Raises:
            UserError: The file cannot be read, is a pipe or a device, or unpacks to more than a chat can be.
        """
        with ExitStack() as stack:
            with _explained_errors(file):
                if file.path.exists() and not file.path.is_file():
                    raise UserError(f"{file}: not a regular file", "give the path of a file")
                opened: io.BufferedReader
                if not file.member:
                    opened = stack.enter_context(file.path.open("rb"))
                else:
                    archive = self._open_archive(file.path)
                    _check_member(archive.getinfo(file.member), file)
                    member = stack.enter_context(archive.open(file.member))
                    opened = io.BufferedReader(_Member(file, member), _BLOCK)
            yield opened

    def _open_archive(self, path: Path) -> zipfile.ZipFile:
        if path not in self._archives:
            self._archives[path] = self._stack.enter_context(zipfile.ZipFile(path))
        return self._archives[path]


class _Member(io.RawIOBase):
    """A file in an archive; damage that is found while reading becomes an error for the user."""

    def __init__(self, file: LogFile, content: IO[bytes]) -> None:
        self._file = file
        self._content = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _explained_errors(self._file):
            data = self._content.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def is_zip(path: Path) -> bool:
    """Returns whether a file is a zip archive, by its first bytes. Pipes and devices are not opened."""
    if not path.is_file():  # opening a pipe could wait for ever
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    except OSError:
        return False


def _is_file_name(name: str) -> bool:
    return bool(PurePosixPath(name).name) and not name.endswith("/")


def _check_member(info: zipfile.ZipInfo, file: LogFile) -> None:
    if info.compress_type not in _COMPRESSIONS:
        raise UserError(f"{file}: is compressed in an unusual way", "unpack the archive")
    if info.file_size > _MAX_SMALL_SIZE and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
        raise UserError(f"{file}: is compressed more than a chat can be", "unpack the archive if it is one")


@contextmanager
def _explained_errors(file: LogFile) -> Iterator[None]:
    """Makes errors of the disk and of archives errors for the user."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{file}: {error.strerror or error}", "check the path and its permissions") from None
    except _ARCHIVE_ERRORS as error:
        raise UserError(f"{file}: cannot be unpacked ({error})", "unpack the archive, or export again") from None
