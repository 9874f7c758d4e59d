"""Sparse vectors of words: weights by word."""

from __future__ import annotations

import math

Weights = dict[str, float]
"""Weights of words: a sparse vector."""


def product(first: Weights, second: Weights) -> float:
    """Returns the scalar product of two sparse vectors."""
    if len(first) > len(second):
        first, second = second, first
    return math.fsum(weight * second.get(word, 0.0) for word, weight in first.items())


def unit_vector(weights: Weights) -> Weights:
    """Returns a vector of length 1 with the same direction; a vector without length stays empty."""
    length = math.hypot(*weights.values())
    return {word: weight / length for word, weight in weights.items()} if length else {}


def rarity(frequency: int, texts: int) -> float:
    """Returns the inverse document frequency of a word, ln((1 + N) / (1 + df)): 0 for a word in every text.

    Args:
        frequency: The number of texts with the word.
        texts: The number of texts.
    """
    return math.log((1 + texts) / (1 + frequency))
