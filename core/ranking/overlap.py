"""Keeps a bot from sharing more words with the conversation than the person does.

The best of many candidates is the one that happens to share the most, so that a bot that always takes it echoes its
partner. A penalty on the overlap makes up for this.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import attrs

_LARGEST_PENALTY = 64.0
_STEPS = 16


@attrs.frozen
class Choice:
    """The candidates of a moment.

    Attributes:
        scores: The score of each candidate.
        overlaps: How much each shares with the last lines of its conversation.
        own_overlap: How much the person's reply does.
    """

    scores: Sequence[float]
    overlaps: Sequence[float]
    own_overlap: float

    def overlap_with(self, penalty: float) -> float:
        """Returns the overlap of the best candidate."""
        _, overlap = max(
            (score - penalty * overlap, overlap) for score, overlap in zip(self.scores, self.overlaps, strict=True)
        )
        return overlap


def fit_penalty(choices: Sequence[Choice]) -> float:
    """Finds the penalty with which the best candidates share as much with their conversations as the person's replies.

    Args:
        choices: The candidates of some moments.

    Returns:
        What an overlap of 1 takes off the score; 0 if the best candidates share no more than the person's replies.
    """
    if not choices:
        return 0.0
    own = fmean(choice.own_overlap for choice in choices)
    low, high = 0.0, _LARGEST_PENALTY
    if fmean(choice.overlap_with(low) for choice in choices) <= own:
        return 0.0
    for _ in range(_STEPS):  # the mean overlap of the best candidates falls with the penalty
        middle = (low + high) / 2
        if fmean(choice.overlap_with(middle) for choice in choices) > own:
            low = middle
        else:
            high = middle
    return round(high, 3)
