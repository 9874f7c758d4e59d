"""Notes which messages were sent although the database could not record it, because the disk is full."""

from __future__ import annotations

import json
import os
from pathlib import Path

from autocakechat.plugins.deployers.telegram.storage.database import cannot_write

_SIZE = 4096  # ids of far more messages than are sent at the same time


class SentNote:
    """A small file whose space on the disk is taken before a message is sent, so that writing it needs no more space.

    Args:
        path: The file; created if it does not exist.

    Raises:
        StageError: The file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise cannot_write(path.parent, error) from None
        self._ids = _parse(os.pread(self._file, _SIZE, 0))
        try:
            self._write()
        except BaseException:
            self.close()
            raise

    @property
    def ids(self) -> list[int]:
        """Ids of the messages in the outbox that were sent."""
        return list(self._ids)

    def add(self, message_id: int) -> None:
        """Adds a message.

        Raises:
            StageError: The file cannot be written.
        """
        self._ids.append(message_id)
        self._write()

    def clear(self) -> None:
        """Removes all messages, after the outbox no longer has them.

        Raises:
            StageError: The file cannot be written.
        """
        if self._ids:
            self._ids = []
            self._write()

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)

    def _write(self) -> None:
        """Writes the file in place, always with the same size."""
        try:
            os.pwrite(self._file, json.dumps(self._ids).ljust(_SIZE).encode(), 0)
            os.fsync(self._file)
        except OSError as error:
            raise cannot_write(self._path.parent, error) from None


def _parse(content: bytes) -> list[int]:
    """Returns the ids of a file; none if it is empty, because the bot was killed before it had written it."""
    try:
        return [int(number) for number in json.loads(content)]
    except ValueError:
        return []
