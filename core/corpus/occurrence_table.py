"""Counts how often each of many millions of keys occurs, in little memory."""

from __future__ import annotations

import contextlib
import mmap
import tempfile
from pathlib import Path
from typing import IO

_KEY_MASK = (1 << 64) - 1
_KEY_BYTES = 8
_COUNT_BYTES = 2
_INITIAL_BITS = 14
_OVERFLOW_SLOTS = 1 << 12
_MAX_LOAD = 5 / 8
_LARGE_BITS = 21  # a table of this size grows by a factor of two, a smaller one by four
_BLOCK_BYTES = 1 << 20
_RESIDENT_BYTES = 1 << 26  # a file up to this size may stay in memory

MAX_COUNT = (1 << 15) - 1


class OccurrenceCounter:
    """Counts occurrences of keys, up to a limit.

    A hash table of 64-bit keys and 16-bit counts with open addressing and linear probing, in a memory-mapped temporary
    file, so that the operating system decides how much of it stays in memory. The keys are hashes themselves: the
    highest bits of a key are the index of its home slot. The table does not wrap around; some extra slots after the
    last home slot take the overflow. Slots are therefore nearly sorted by key, and growing is one sequential pass over
    the old file and the new one.

    Two values with the same hash count as one. With ten million values that happens in one of some hundred thousand
    tables.

    Args:
        folder: Folder of the temporary file, which the operating system removes when it is closed.
        limit: How often a key may occur, from 1 to `MAX_COUNT`.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._max_repeats = limit - 1
        self._used = 0
        self._allocate(_INITIAL_BITS)

    def add(self, value_hash: int) -> bool:
        """Counts an occurrence, unless the limit is reached.

        Args:
            value_hash: A hash of the value; its lowest 64 bits are the key.

        Returns:
            Whether the occurrence was counted.
        """
        keys = self._keys
        key = value_hash & _KEY_MASK or 1  # 0 marks an empty slot
        slot = key >> self._shift
        # The same search as in `_find_slot`: a call would take as long as the rest of this method.
        while occupant := keys[slot]:
            if occupant == key:
                repeats = self._repeats[slot]
                if repeats >= self._max_repeats:
                    return False
                self._repeats[slot] = repeats + 1
                return True
            slot += 1
        keys[slot] = key
        self._used += 1
        if self._used >= self._max_used or slot >= self._last_slot:
            self._grow()
        return True

    def undo_add(self, value_hash: int) -> None:
        """Takes back one occurrence that `add` counted."""
        self._repeats[self._find_slot(value_hash & _KEY_MASK or 1)] -= 1

    def release_pages(self) -> None:
        """Returns the memory of a large table to the operating system; the content stays in the file."""
        _release_pages(self._pages)

    def close(self) -> None:
        """Closes the table and its file."""
        _close(self._keys, self._repeats, self._pages, self._file)

    def _find_slot(self, key: int) -> int:
        """Returns the slot that holds a key, or the empty slot where to insert it."""
        slot = key >> self._shift
        while (occupant := self._keys[slot]) and occupant != key:
            slot += 1
        return slot

    def _allocate(self, bits: int) -> None:
        """Makes an empty table with 2^bits home slots."""
        slots = (1 << bits) + _OVERFLOW_SLOTS
        self._pages, self._file = _map_temporary_file(slots * (_KEY_BYTES + _COUNT_BYTES), self._folder)
        view = memoryview(self._pages)
        self._keys = view[: slots * _KEY_BYTES].cast("Q")
        # Occurrences after the first. Most keys occur once, so most of these pages are never written.
        self._repeats = view[slots * _KEY_BYTES :].cast("h")
        self._bits = bits
        self._shift = 64 - bits
        self._last_slot = slots - 2
        self._max_used = int((1 << bits) * _MAX_LOAD)

    def _grow(self) -> None:
        keys, repeats, pages, file = self._keys, self._repeats, self._pages, self._file
        self._allocate(self._bits + (2 if self._bits < _LARGE_BITS else 1))
        block = _BLOCK_BYTES // _KEY_BYTES
        for start in range(0, len(keys), block):
            for slot, key in enumerate(keys[start : start + block], start):
                if key:
                    new_slot = self._find_slot(key)
                    self._keys[new_slot] = key
                    self._repeats[new_slot] = repeats[slot]
            _release_pages(pages)
            _release_pages(self._pages)
        _close(keys, repeats, pages, file)


def _map_temporary_file(size: int, folder: Path) -> tuple[mmap.mmap, IO[bytes]]:
    """Maps a temporary file of zeros into memory."""
    file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the caller closes it
    try:
        # Writes the zeros: if the disk is full, that raises an error. Writing to a page of a sparse file that is mapped
        # into memory would crash the process instead.
        for start in range(0, size, _BLOCK_BYTES):
            file.write(bytes(min(_BLOCK_BYTES, size - start)))
        file.flush()
        return mmap.mmap(file.fileno(), size), file
    except OSError:
        with contextlib.suppress(OSError):  # closing writes the buffer again, which fails again
            file.close()
        raise


def _release_pages(pages: mmap.mmap) -> None:
    if len(pages) > _RESIDENT_BYTES and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)


def _close(keys: memoryview[int], repeats: memoryview[int], pages: mmap.mmap, file: IO[bytes]) -> None:
    keys.release()
    repeats.release()
    pages.close()
    file.close()
