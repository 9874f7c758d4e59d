"""The files of an export: found in a folder and in zip archives, recognised by their beginnings, and read."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import attrs

from autocakechat import LogFile, LogFileOpener, UserError, escape_control_characters, is_zip

HEAD_SIZE = 1 << 14  # bytes at the beginning of a file that are enough to recognise its format
_BLOCK = 1 << 16
_MAX_WHOLE = 1 << 29  # bytes; a file that is read as a whole is not larger
_JUNK = "__MACOSX"  # a folder in archives made by macOS


class NotAnExportError(Exception):
    """A path has no chats of a format; the text says why, beginning with the name of the file."""


@attrs.define
class Listing:
    """The files of a path. Use it as a context manager.

    Attributes:
        path: A file, a folder or a zip archive.
        files: The file itself, or the files at any depth in the folder, and in zip archives.
        errors: What is wrong with each archive, and each file in it, that cannot be read.
    """

    path: Path
    files: list[LogFile] = attrs.field(factory=list)
    errors: list[UserError] = attrs.field(factory=list)
    _opener: LogFileOpener = attrs.field(factory=LogFileOpener)

    @classmethod
    def of_path(cls, path: Path) -> Self:
        """Lists the files of a path.

        Raises:
            UserError: The path is a damaged archive.
        """
        listing = cls(path)
        if is_zip(path):
            listing.files = listing._members(path)
        elif path.is_file():
            listing.files = [LogFile(path)]
        else:
            listing.files = sorted(listing._walk())
        return listing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opener.__exit__()

    def read_head(self, file: LogFile) -> bytes:
        """Returns the beginning of a file, without a byte order mark and white space."""
        return read_head(self._opener, file)

    def find(self, suffixes: str | tuple[str, ...], problem: Callable[[LogFile, bytes], str]) -> list[LogFile]:
        """Returns the files of a format.

        Args:
            suffixes: The suffixes of files in folders, in lower case. A single file may have any.
            problem: Takes a file and its beginning, and returns why it is not of the format; empty if it is.

        Raises:
            NotAnExportError: There are none.
            UserError: No file can be read.
        """
        is_single = self.files == [LogFile(self.path)]
        candidates = [file for file in self.files if is_single or file.file_name.endswith(suffixes)]
        first, found = "", []
        for file in candidates:
            try:
                reason = problem(file, self.read_head(file))
            except UserError as error:
                if is_single:
                    raise
                self.errors.append(error)
                continue
            if not reason:
                found.append(file)
            first = first or f"{file}: {reason}"
        if not found:
            if self.errors and not first:
                raise self.errors[0]
            wanted = suffixes if isinstance(suffixes, str) else " or ".join(suffixes)
            place = "archive" if self.path.is_file() else "folder"
            raise NotAnExportError(first or f"{self.path}: no {wanted} file in this {place}")
        return found

    def _walk(self) -> Iterator[LogFile]:
        for parent, folders, names in os.walk(self.path):
            folders[:] = [name for name in folders if name != _JUNK]
            for path in (Path(parent, name) for name in names if not name.startswith("._")):
                if not path.is_file():  # a pipe, which would block
                    continue
                yield from self._expand(path) if path.suffix.lower() == ".zip" else [LogFile(path)]

    def _expand(self, archive: Path) -> list[LogFile]:
        try:
            return self._members(archive)
        except UserError as error:
            self.errors.append(error)
            return []

    def _members(self, archive: Path) -> list[LogFile]:
        return [
            file
            for file in self._opener.members(archive)
            if not file.file_name.startswith("._") and f"{_JUNK}/" not in file.member
        ]


class ExportFiles:
    """The files of an export while it is read.

    Args:
        source: The name of the source.
        files: The files.
        opener: Opens them.

    Attributes:
        source: The name of the source.
        names: A name for each file, safe to print, which does not depend on the location of the export.
    """

    def __init__(self, source: str, files: Iterable[LogFile], opener: LogFileOpener) -> None:
        self.source = source
        self._opener = opener
        locations = {file: file.location for file in files}
        common = Path(os.path.commonpath([location.parent for location in locations.values()]))
        self.names = {
            file: escape_control_characters(location.relative_to(common).as_posix())
            for file, location in locations.items()
        }

    def __iter__(self) -> Iterator[LogFile]:
        return iter(self.names)

    def open(self, file: LogFile) -> AbstractContextManager[BinaryIO]:
        """Opens a file as UTF-8; see `LogFileOpener.open`."""
        return open_as_utf8(self._opener, file)

    def size(self, file: LogFile) -> int:
        """Returns the size of a file in bytes, unpacked."""
        return self._opener.size(file)

    def read_head(self, file: LogFile) -> bytes:
        """Returns the beginning of a file, without a byte order mark and white space."""
        return read_head(self._opener, file)

    def read_whole(self, file: LogFile) -> bytes:
        """Reads a file as a whole.

        Raises:
            UserError: It is larger than any that a messenger writes.
        """
        if self.size(file) > _MAX_WHOLE:
            raise UserError(f"{file}: larger than {_MAX_WHOLE >> 20} MB, which no messenger writes", "remove the file")
        with self.open(file) as opened:
            return opened.read()


@contextmanager
def open_as_utf8(opener: LogFileOpener, file: LogFile) -> Iterator[BinaryIO]:
    """Opens a file; one in UTF-16 is converted to UTF-8 while it is read."""
    with opener.open(file) as opened:
        is_utf16 = opened.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff")
        yield io.BufferedReader(_Recoder(opened)) if is_utf16 else opened


class _Recoder(io.RawIOBase):
    """A file in UTF-16, as UTF-8."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-16")("replace").decode
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            block = self._file.read(_BLOCK)
            self._rest = self._decode(block, final=not block).encode("utf-8", "replace")
            if not block:
                break
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def read_head(opener: LogFileOpener, file: LogFile) -> bytes:
    """Returns the beginning of a file, without a byte order mark and white space."""
    with open_as_utf8(opener, file) as opened:
        return opened.read(HEAD_SIZE).lstrip(b"\xef\xbb\xbf \t\r\n")


def json_problem(head: bytes) -> str:
    """Returns why a file is not JSON; empty if it may be."""
    if not head:
        return "the file is empty"
    return "" if head.startswith((b"{", b"[")) else "not JSON"
