"""A file read forward, block by block, with what is needed of it at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import msgspec

from autocakechat.plugins.sources.telegram.raw_messages import Batch, Number

HEAD = 1 << 16
BLOCK = 1 << 16  # Bigger blocks fall out of the processor's cache between decoding and use, and take longer.
TOO_LONG = 1 << 24  # No message, and nothing else that has to be seen as a whole, is as long as this.


class Header(msgspec.Struct):
    """What stands before the messages of a chat."""

    name: str | None = None
    type: str | None = None
    id: Number | None = None


class Portion(NamedTuple):
    """A chat in a file.

    Attributes:
        header: What it is.
        batches: Its messages, to be read before the next chat.
        offset: Where its messages begin in the file.
        reread: Reads them again from there, in another feed of the file.
    """

    header: Header
    batches: Iterator[Batch]
    offset: int
    reread: Callable[[Feed], Iterator[Batch]]


class Feed:
    """The bytes of a file from a certain place on.

    Args:
        file: Opened for reading bytes.

    Attributes:
        size: How long the file is.
        data: What was read and is still needed begins here at `at`.
        at: How far it was used.
        left_over: How many bytes at the end of the file are of no use because it is cut off; None if it is whole.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self.data = b""
        self.at = 0
        self._begin = file.tell()
        self.left_over: int | None = None

    @property
    def offset(self) -> int:
        """How far the file was used."""
        return self._begin + self.at

    def __len__(self) -> int:
        return len(self.data) - self.at

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def more(self) -> bool:
        """Reads on; the more is kept, the more is read. Returns False at the end of the file."""
        block = self._file.read(max(BLOCK, len(self)))
        if block:
            self.forget()
            self.data += block
        return bool(block)

    def forget(self) -> None:
        """Forgets what was used, so that `at` is 0."""
        if self.at:
            self.data = self.data[self.at :]
            self._begin += self.at
            self.at = 0

    def seek(self, offset: int) -> None:
        """Goes to another place in the file."""
        self._file.seek(offset)
        self.data = b""
        self.at = 0
        self._begin = offset

    def find(self, *markers: bytes) -> bytes | None:
        """Goes forward to the first of some markers.

        Args:
            markers: No longer than a few lines each.

        Returns:
            The marker, which stands at `at`; None at the end of the file.
        """
        longest = max(map(len, markers))
        while True:
            places = {place: marker for marker in markers if (place := self.data.find(marker, self.at)) >= 0}
            if places:
                self.at = min(places)
                return places[self.at]
            self.at = max(self.at, len(self.data) - longest + 1)
            if not self.more():
                return None
