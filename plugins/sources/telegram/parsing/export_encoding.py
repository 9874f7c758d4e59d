"""Opens the files of exports as UTF-8."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from autocakechat import LogFile, LogFileOpener, UserError
from autocakechat.plugins.sources.telegram.parsing.byte_buffer import HEAD_SIZE

# By their first bytes: a byte order mark, or a brace in two bytes.
_UTF16 = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"{\0", "utf-16-le"), (b"\0{", "utf-16-be"))
_COPY_BLOCK = 1 << 20


def read_head(file: LogFile) -> bytes:
    """Returns the beginning of a file, as UTF-8.

    Raises:
        UserError: The file cannot be read.
    """
    head = _read_first_block(file)
    encoding = _encoding(head)
    return head.decode(encoding, "ignore").encode() if encoding else head


@contextmanager
def open_as_utf8(file: LogFile, folder: Path) -> Iterator[Callable[[], BinaryIO]]:
    """Opens a file as UTF-8. A file in an archive or in UTF-16 is copied to an unnamed temporary file.

    Args:
        file: The file.
        folder: The folder for the copy.

    Yields:
        A function that opens the file once more, at its beginning, without a buffer.

    Raises:
        UserError: The file cannot be read.
    """
    encoding = _encoding(_read_first_block(file))
    if not file.member and not encoding:
        yield lambda: file.path.open("rb", buffering=0)
        return
    with tempfile.TemporaryFile(dir=folder) as copy:
        with LogFileOpener() as opener:
            if file.member:
                _check_disk_space(opener.size(file), folder, str(file))
            with opener.open(file) as content:
                _copy(content, copy, encoding)
        copy.flush()
        yield lambda: cast("BinaryIO", _SharedFile(copy))


def _read_first_block(file: LogFile) -> bytes:
    with LogFileOpener() as opener, opener.open(file) as content:
        return content.read(HEAD_SIZE)


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


def _encoding(head: bytes) -> str | None:
    """Returns the encoding of a file in UTF-16; None for UTF-8."""
    return next((encoding for beginning, encoding in _UTF16 if head.startswith(beginning)), None)


def _check_disk_space(size: int, folder: Path, name: str) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise UserError(
            f"{name}: needs {size / 1e6:,.0f} MB of disk space, {free / 1e6:,.0f} MB are free in {folder}",
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
