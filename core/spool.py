"""Keeps the lines of the corpus on disk until it is known at which moment they are to be split."""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, compress, islice, repeat
from operator import floordiv
from pathlib import Path
from typing import IO

_DAY = 86_400
_CHUNK = 1 << 13

Moment = tuple[int, int]
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
        array("q", chain.from_iterable(zip(started, pairs, strict=True))).tofile(self._facts)
        self._days.update(map(floordiv, started, repeat(_DAY)))
        self.dialogs += len(lines)

    def cut(self, share: float) -> Moment:
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
        moments = (moment for moments, _ in self._chunks() for moment in moments)
        return sorted(moment for moment in moments if moment[0] // _DAY == day)[-apart]

    def split(self, cut: Moment, train: IO[bytes], validation: IO[bytes]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Writes the lines before a moment into one file and the others into another, in the order they came.

        Returns:
            For each of the files, how many dialogs and how many pairs it holds.
        """
        self._lines.seek(0)
        totals = [0, 0]
        apart = [0, 0]
        for moments, pairs in self._chunks():
            lines = list(islice(self._lines, len(moments)))
            late = [moment >= cut for moment in moments]
            early = [not flag for flag in late]
            train.writelines(compress(lines, early))
            validation.writelines(compress(lines, late))
            totals = [totals[0] + len(moments), totals[1] + sum(pairs)]
            apart = [apart[0] + sum(late), apart[1] + sum(compress(pairs, late))]
        return (totals[0] - apart[0], totals[1] - apart[1]), (apart[0], apart[1])

    def close(self) -> None:
        """Gives up the files."""
        self._lines.close()
        self._facts.close()

    def _chunks(self) -> Iterator[tuple[list[Moment], list[int]]]:
        """The moments of the lines, and how many pairs they have, some thousand lines at once."""
        self._facts.seek(0)
        first = 0
        while block := self._facts.read(2 * 8 * _CHUNK):
            facts = array("q", block)
            started = facts[::2].tolist()
            yield list(zip(started, range(first, first + len(started)), strict=True)), facts[1::2].tolist()
            first += len(started)
