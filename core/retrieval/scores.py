"""Scores of all exchanges of an index, and the best of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    Scores = np.ndarray[tuple[int], np.dtype[np.float32]]


def best(scores: Scores, limit: int, without: range = range(0)) -> list[int]:
    """Returns the numbers of the highest positive scores, best first; of equal ones the first.

    Args:
        scores: A score for each exchange.
        limit: The largest number to return.
        without: Numbers to leave out.
    """
    import numpy as np

    if without:
        scores = scores.copy()
        scores[without.start : without.stop] = 0
    kept = (
        np.flatnonzero(scores >= np.partition(scores, -limit)[-limit])
        if len(scores) > limit
        else np.arange(len(scores))
    )
    kept = kept[scores[kept] > 0]
    return [int(number) for number in kept[np.argsort(-scores[kept], kind="stable")][:limit]]
