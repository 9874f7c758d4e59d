"""Keeps the lines of the corpus on disk until it is known at which moment they are to be split."""

from __future__ import annotations

import contextlib
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, compress, count, groupby, repeat
from operator import floordiv, itemgetter
from pathlib import Path
from typing import IO

_DAY = 86_400
_FACTS = 3  # of each line: its time, how many pairs it has, and how many bytes
_NUMBER_BYTES = 8
_BLOCK = 1 << 13
_BLOCK_BYTES = 1 << 20

SplitPoint = tuple[int, int]
"""A time in seconds since 1970 and the number of a dialog: a place in the order of time, ties broken by order."""


class Spool:
    """Lines in the order they came, each with its time.

    Args:
        folder: Where there is room for nameless files, which vanish when they are closed.
    """

    def __init__(self, folder: Path) -> None:
        self.dialogs = 0
        self._lines: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed in `close`
        self._facts: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._days: Counter[int] = Counter()

    def extend(self, lines: Sequence[bytes], started: Sequence[int], pairs: Sequence[int]) -> None:
        """Appends lines.

        Args:
            lines: Dialogs, without the ends of the lines.
            started: Their times, in seconds since 1970.
            pairs: How many pairs they have.
        """
        self._lines.write(b"\n".join([*lines, b""]))
        array("q", chain.from_iterable(zip(started, pairs, map(len, lines), strict=True))).tofile(self._facts)
        self._days.update(map(floordiv, started, repeat(_DAY)))
        self.dialogs += len(lines)

    def cut(self, share: float) -> SplitPoint:
        """Finds the moment from which on a share of the lines, the newest, are set apart.

        Args:
            share: More than 0, less than 1. At least one line is on either side, if there are two.

        Returns:
            The moment of the first line to set apart.
        """
        apart = max(1, min(round(self.dialogs * share), self.dialogs - 1))
        if self.dialogs < 2:
            return (1 << 63, 0)
        for day in sorted(self._days, reverse=True):
            if self._days[day] >= apart:
                break
            apart -= self._days[day]
        # Only the lines of that day are sorted: all of them would take too much memory.
        self._facts.seek(0)
        moments = zip(chain.from_iterable(facts[::_FACTS] for facts in self._blocks()), count())
        return sorted(moment for moment in moments if moment[0] // _DAY == day)[-apart]

    def split(
        self, cut: SplitPoint, train: IO[bytes], validation: IO[bytes]
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Writes the lines before a moment into one file and the others into another, in the order they came.

        Returns:
            For each of the files, how many dialogs and how many pairs it holds.
        """
        self._lines.seek(0)
        self._facts.seek(0)
        numbers = count()
        totals = [0, 0]
        apart = [0, 0]
        for facts in self._blocks():
            started, pairs, sizes = facts[::_FACTS], facts[1::_FACTS], facts[2::_FACTS]
            late = [moment >= cut for moment in zip(started, numbers, strict=False)]
            # Most of the time all of some thousand lines belong together, and need no look at each.
            for is_late, same in groupby(zip(late, sizes, strict=True), itemgetter(0)):
                self._copy(sum(size + 1 for _, size in same), validation if is_late else train)
            totals = [totals[0] + len(pairs), totals[1] + sum(pairs)]
            apart = [apart[0] + sum(late), apart[1] + sum(compress(pairs, late))]
        return (totals[0] - apart[0], totals[1] - apart[1]), (apart[0], apart[1])

    def _blocks(self) -> Iterator[array[int]]:
        return (array("q", block) for block in iter(partial(self._facts.read, _FACTS * _NUMBER_BYTES * _BLOCK), b""))

    def _copy(self, size: int, target: IO[bytes]) -> None:
        while size:
            size -= target.write(self._lines.read(min(size, _BLOCK_BYTES)))

    def close(self) -> None:
        """Gives up the files."""
        for file in (self._lines, self._facts):
            with contextlib.suppress(OSError):  # nobody reads it again, so nothing is lost if the disk is full
                file.close()
