"""Counts how often each of many millions of things was seen, in little memory."""

from __future__ import annotations

import contextlib
import mmap
import tempfile
from pathlib import Path
from typing import IO

_WORD = (1 << 64) - 1
_KEY_BYTES = 8
_COUNT_BYTES = 2
_FIRST_BITS = 14
_OVERHANG = 1 << 12
_MANY_BITS = 21
_CHUNK = 1 << 20
_SMALL = 1 << 26

MOST = (1 << 15) - 1


class OccurrenceCounter:
    """How often things were seen, up to a limit.

    An open-addressing hash table of 64-bit keys and 16-bit counts, in a nameless file that is mapped into memory: the
    system decides how much of it stays there. Two things of the same hash are taken for one; among ten million things
    that happens once in some hundred thousand tables.

    Args:
        folder: Where there is room for the file, which vanishes when it is closed.
        limit: How often a thing may be seen, from 1 to 32,767.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._most = limit - 1
        self._used = 0
        self._allocate(_FIRST_BITS)

    def add(self, hashed: int) -> bool:
        """Counts a thing, unless it was counted as often as the limit allows.

        Args:
            hashed: The thing's hash, as `hash` gives it.

        Returns:
            Whether it was counted.
        """
        keys = self._keys
        key = hashed & _WORD or 1
        slot = key >> self._shift
        # The same search as in `_slot`: a call would cost as much as all the rest.
        while found := keys[slot]:
            if found == key:
                count = self._counts[slot]
                if count >= self._most:
                    return False
                self._counts[slot] = count + 1
                return True
            slot += 1
        keys[slot] = key
        self._used += 1
        if self._used >= self._room or slot >= self._last:
            self._grow()
        return True

    def take_back(self, hashed: int) -> None:
        """Undoes one `add` that counted."""
        self._counts[self._slot(hashed & _WORD or 1)] -= 1

    def release_pages(self) -> None:
        """Hands the memory of a big table back to the system; what is in it stays in the file."""
        _relax(self._pages)

    def close(self) -> None:
        """Gives up the table and its file."""
        _close(self._keys, self._counts, self._pages, self._file)

    def _slot(self, key: int) -> int:
        """The slot where a key is, or the empty one where it belongs."""
        slot = key >> self._shift
        while (found := self._keys[slot]) and found != key:
            slot += 1
        return slot

    def _allocate(self, bits: int) -> None:
        # Keys stand near the place their highest bits name, in a row that has some room after its end. So a table
        # grows in one sweep over both, and the search needs no turning back to the start.
        slots = (1 << bits) + _OVERHANG
        size = slots * (_KEY_BYTES + _COUNT_BYTES)
        self._pages, self._file = _mapped(size, self._folder)
        whole = memoryview(self._pages)
        self._keys = whole[: slots * _KEY_BYTES].cast("Q")
        # How often a thing was seen after the first time: most things are seen once, and leave the zero that is there.
        self._counts = whole[slots * _KEY_BYTES :].cast("h")
        self._bits = bits
        self._shift = 64 - bits
        self._last = slots - 2
        self._room = (1 << bits) * 5 // 8

    def _grow(self) -> None:
        keys, counts, pages, file = self._keys, self._counts, self._pages, self._file
        self._allocate(self._bits + (2 if self._bits < _MANY_BITS else 1))
        for start in range(0, len(keys), _CHUNK // _KEY_BYTES):
            for slot, key in enumerate(keys[start : start + _CHUNK // _KEY_BYTES], start):
                if key:
                    new = self._slot(key)
                    self._keys[new] = key
                    self._counts[new] = counts[slot]
            _relax(pages)
            _relax(self._pages)
        _close(keys, counts, pages, file)


def _mapped(size: int, folder: Path) -> tuple[mmap.mmap, IO[bytes]]:
    """Maps a file of zeros that has no name."""
    file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by who uses it
    try:
        # Written, not just sized: a full disk is an error here, but a crash when a hole of a mapped file is filled.
        for start in range(0, size, _CHUNK):
            file.write(bytes(min(_CHUNK, size - start)))
        file.flush()
        return mmap.mmap(file.fileno(), size), file
    except OSError:
        with contextlib.suppress(OSError):  # what could not be written cannot be written when it is closed, either
            file.close()
        raise


def _relax(pages: mmap.mmap) -> None:
    if len(pages) > _SMALL and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)


def _close(keys: memoryview[int], counts: memoryview[int], pages: mmap.mmap, file: IO[bytes]) -> None:
    keys.release()
    counts.release()
    pages.close()
    file.close()
