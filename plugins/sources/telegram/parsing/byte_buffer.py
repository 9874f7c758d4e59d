"""A buffer for reading a file forward: it holds the unconsumed bytes in memory and reads the file chunk by chunk."""

from __future__ import annotations

import os
from typing import BinaryIO

HEAD_SIZE = 1 << 16  # bytes at the beginning of a file that are enough to recognise its format
CHUNK_SIZE = 1 << 16  # Larger chunks leave the CPU cache between decoding and use, which is slower.
MAX_VALUE_SIZE = 1 << 24  # upper limit for one message, or for any other JSON value that is held in memory


class ByteBuffer:
    """The bytes of a file from the current position on.

    Args:
        file: A file opened for reading bytes.

    Attributes:
        size: File size in bytes.
        data: The buffered bytes. Those before `position` are consumed.
        position: Index in `data` of the first unconsumed byte.
        ignored_tail_bytes: Number of unusable bytes at the end of a truncated file; None if the file is complete.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self.data = b""
        self.position = 0
        self._data_offset = file.tell()
        self.ignored_tail_bytes: int | None = None

    @property
    def offset(self) -> int:
        """File offset of the first unconsumed byte."""
        return self._data_offset + self.position

    @property
    def unconsumed(self) -> int:
        """Number of unconsumed bytes in memory."""
        return len(self.data) - self.position

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def read_chunk(self) -> bool:
        """Reads the next chunk of the file into the buffer.

        The chunk is at least as large as the unconsumed bytes, so that reading a value of n bytes copies O(n) bytes.

        Returns:
            False at the end of the file.
        """
        chunk = self._file.read(max(CHUNK_SIZE, self.unconsumed))
        if chunk:
            self.discard_consumed()
            self.data += chunk
        return bool(chunk)

    def discard_consumed(self) -> None:
        """Frees the consumed bytes, so that `position` becomes 0."""
        if self.position:
            self.data = self.data[self.position :]
            self._data_offset += self.position
            self.position = 0

    def seek(self, offset: int) -> None:
        """Continues at another offset of the file."""
        self._file.seek(offset)
        self.data = b""
        self.position = 0
        self._data_offset = offset

    def skip_to(self, *markers: bytes) -> bytes | None:
        """Moves the position forward to the first occurrence of any marker.

        Args:
            markers: Short byte strings.

        Returns:
            The marker at the new position; None if the file contains no marker from here on.
        """
        longest = max(map(len, markers))
        while True:
            markers_by_index = {self.data.find(marker, self.position): marker for marker in markers}
            markers_by_index.pop(-1, None)  # markers that do not occur
            if markers_by_index:
                self.position = min(markers_by_index)
                return markers_by_index[self.position]
            # A marker may begin in this chunk and end in the next one.
            self.position = max(self.position, len(self.data) - longest + 1)
            if not self.read_chunk():
                return None
