"""Scores of all exchanges of an index, and the best of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    Scores = np.ndarray[tuple[int], np.dtype[np.float32]]


_BLOCKS = 4  # for each score to return


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
    # At least `limit` scores are as high as the limit-th of the highest scores of blocks. That is faster to find.
    block = max(1, len(scores) // (_BLOCKS * limit))
    highest = scores[: len(scores) // block * block].reshape(-1, block).max(1)
    threshold = np.partition(highest, -limit)[-limit] if len(highest) > limit else 0
    kept = np.flatnonzero(scores >= threshold if threshold > 0 else scores > 0)
    return [int(number) for number in kept[np.argsort(-scores[kept], kind="stable")][:limit]]
