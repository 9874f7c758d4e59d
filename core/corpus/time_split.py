"""Splits the corpus by time: the newest dialogs are held out.

The lines of the corpus are kept in temporary files until the time of every dialog is known.
"""

from __future__ import annotations

import contextlib
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, compress, count, groupby
from operator import itemgetter
from pathlib import Path
from typing import IO

from autocakechat.corpus.report import PartReport

_SECONDS_PER_DAY = 86_400
_COLUMNS = 3  # of the index: when a dialog starts, its number of pairs, the length of its line in bytes
_NUMBER_BYTES = 8
_INDEX_BLOCK = 1 << 13  # dialogs
_COPY_BLOCK = 1 << 20  # bytes

SplitPoint = tuple[int, int]
"""When a dialog starts, in seconds since 1970, and its number: the order of time, with ties in the order of writing."""

_END_OF_TIME: SplitPoint = (1 << 63, 0)


class TimeSplitter:
    """Collects dialogs as lines, in the order of writing, and splits them by time.

    Uses two temporary files: the lines one after the other, and an index with three 64-bit numbers for each line.

    Args:
        folder: Folder of the temporary files, which the operating system removes when they are closed.
    """

    def __init__(self, folder: Path) -> None:
        self.dialogs = 0
        self._lines: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed in `close`
        self._index: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._per_day: Counter[int] = Counter()

    def extend(self, lines: Sequence[bytes], started: Sequence[int], pairs: Sequence[int]) -> None:
        """Appends dialogs.

        Args:
            lines: The dialogs as lines, without line ends.
            started: When each dialog starts, in seconds since 1970.
            pairs: Number of pairs in each dialog.
        """
        self._lines.write(b"\n".join([*lines, b""]))
        rows = zip(started, pairs, map(len, lines), strict=True)
        array("q", chain.from_iterable(rows)).tofile(self._index)
        self._per_day.update([time // _SECONDS_PER_DAY for time in started])
        self.dialogs += len(lines)

    def split_point(self, share: float) -> SplitPoint:
        """Finds the start of the newest dialogs.

        Args:
            share: Share of the dialogs after the split, between 0 and 1. If there are two dialogs or more, each side
                has one at least.

        Returns:
            The first dialog after the split.
        """
        if self.dialogs < 2:
            return _END_OF_TIME
        held_out = max(1, min(round(self.dialogs * share), self.dialogs - 1))
        for day in sorted(self._per_day, reverse=True):
            if self._per_day[day] >= held_out:
                break
            held_out -= self._per_day[day]
        # Sorts only the dialogs of the day of the split: all of them would take too much memory.
        points = [point for point in self._points() if point[0] // _SECONDS_PER_DAY == day]
        points.sort()
        return points[-held_out]

    def split(self, point: SplitPoint, train: IO[bytes], validation: IO[bytes]) -> tuple[PartReport, PartReport]:
        """Writes the dialogs before a point into one file and the others into another, in the order of writing.

        Args:
            point: The first dialog of the second part, in the order of time.
            train: File of the first part.
            validation: File of the second part.

        Returns:
            The sizes of the two parts.
        """
        self._lines.seek(0)
        first_number = 0
        pairs = held_out_dialogs = held_out_pairs = 0
        for started, dialog_pairs, line_lengths in self._index_blocks():
            numbers = range(first_number, first_number + len(started))
            first_number += len(started)
            is_held_out = [dialog >= point for dialog in zip(started, numbers, strict=True)]
            # Neighbours mostly belong to the same part, so a run of lines is copied at once.
            for in_validation, run in groupby(zip(is_held_out, line_lengths, strict=True), itemgetter(0)):
                size = sum(length + len(b"\n") for _, length in run)
                self._copy_lines(size, validation if in_validation else train)
            pairs += sum(dialog_pairs)
            held_out_dialogs += is_held_out.count(True)
            held_out_pairs += sum(compress(dialog_pairs, is_held_out))
        return (
            PartReport(self.dialogs - held_out_dialogs, pairs - held_out_pairs),
            PartReport(held_out_dialogs, held_out_pairs),
        )

    def _points(self) -> Iterator[SplitPoint]:
        """Returns when each dialog starts, with its number, in the order of writing."""
        starts = chain.from_iterable(started for started, _, _ in self._index_blocks())
        return zip(starts, count())

    def _index_blocks(self) -> Iterator[tuple[array[int], array[int], array[int]]]:
        """Reads the index. Yields the three columns of each block: starts, numbers of pairs, lengths of lines."""
        self._index.seek(0)
        read_block = partial(self._index.read, _INDEX_BLOCK * _COLUMNS * _NUMBER_BYTES)
        for block in iter(read_block, b""):
            rows = array("q", block)
            yield rows[::_COLUMNS], rows[1::_COLUMNS], rows[2::_COLUMNS]

    def _copy_lines(self, size: int, target: IO[bytes]) -> None:
        while size:
            size -= target.write(self._lines.read(min(size, _COPY_BLOCK)))

    def close(self) -> None:
        """Closes the files."""
        for file in (self._lines, self._index):
            with contextlib.suppress(OSError):  # the content is not needed any more, so a full disk loses nothing
                file.close()
