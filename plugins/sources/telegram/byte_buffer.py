"""A forward-reading buffer over a file: the unconsumed bytes are in memory, the rest is read chunk by chunk."""

from __future__ import annotations

import os
from typing import BinaryIO

HEAD_SIZE = 1 << 16  # bytes at the beginning of a file that are enough to recognize its format
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
        truncated_tail: Number of unusable bytes at the end of a truncated file; None if the file is complete.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self.data = b""
        self.position = 0
        self._data_offset = file.tell()
        self.truncated_tail: int | None = None

    @property
    def offset(self) -> int:
        """File offset of the first unconsumed byte."""
        return self._data_offset + self.position

    def __len__(self) -> int:
        """Number of unconsumed bytes in memory."""
        return len(self.data) - self.position

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def read_chunk(self) -> bool:
        """Appends the next chunk of the file; doubles the buffer if much of it is unconsumed.

        Returns:
            False at the end of the file.
        """
        chunk = self._file.read(max(CHUNK_SIZE, len(self)))
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

    def find(self, *markers: bytes) -> bytes | None:
        """Moves forward to the first occurrence of any marker.

        Args:
            markers: Short byte strings.

        Returns:
            The marker found at the new position, or None at the end of the file.
        """
        longest = max(map(len, markers))
        while True:
            occurrences = {index: marker for marker in markers if (index := self.data.find(marker, self.position)) >= 0}
            if occurrences:
                self.position = min(occurrences)
                return occurrences[self.position]
            # A marker may begin in this chunk and end in the next one.
            self.position = max(self.position, len(self.data) - longest + 1)
            if not self.read_chunk():
                return None
