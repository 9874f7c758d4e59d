"""Decompresses files of Zstandard, and notices if the end is missing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from autocakechat import UserError

_CHUNK = 1 << 10  # bytes; a malicious file unpacks them to at most some ten megabytes


def open_zst(file: BinaryIO, name: str) -> io.BufferedReader:
    """Returns the content of a compressed file. Reading damaged content raises EOFError, as for a gzip file.

    Args:
        file: The compressed file.
        name: Its name, safe to print.

    Raises:
        UserError: The library is missing.
    """
    try:
        import zstandard
    except ImportError:
        raise UserError(
            f"{name}: reading .zst needs zstandard", "run: pip install 'autocakechat[zstd]', or unpack the file"
        ) from None
    return io.BufferedReader(_Content(_blocks(file, zstandard)))


def _blocks(file: BinaryIO, zstandard: Any) -> Iterator[bytes]:
    """Decompresses a file of one or more frames, block by block."""
    new = zstandard.ZstdDecompressor().decompressobj
    frame = new()
    rest = b""
    try:
        while packed := rest or file.read(_CHUNK):
            if frame.eof:
                frame = new()
            yield frame.decompress(packed)
            rest = frame.unused_data
    except zstandard.ZstdError as error:
        raise EOFError(str(error)) from None
    if not frame.eof:
        raise EOFError("the end of the file is missing")


class _Content(io.RawIOBase):
    """A file made of blocks."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._block:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._block = memoryview(block)
        size = min(len(buffer), len(self._block))
        buffer[:size], self._block = self._block[:size], self._block[size:]
        return size
