"""Converts texts to padded arrays of token ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Ints
from autocakechat.plugins.trainers.cakechat.data.samples import NO_LINE, Lines
from autocakechat.plugins.trainers.cakechat.network.model_files import Model


def context_arrays(model: Model, contexts: Sequence[Sequence[str]]) -> tuple[Ints, Ints]:
    """Converts the newest lines of contexts.

    Args:
        model: The model.
        contexts: For each sample its lines, oldest first.

    Returns:
        (lines, tokens) padded ids of the distinct lines, and (samples, context lines) the row of each context line in
        them, newest last.
    """
    context_lines = model.settings.context_lines
    encoded_lines: list[list[int]] = []
    line_numbers = np.full((len(contexts), context_lines), NO_LINE, np.int32)  # counted from 1
    for sample, context in enumerate(contexts):
        newest = context[-context_lines:]
        first_number = len(encoded_lines) + 1
        line_numbers[sample, context_lines - len(newest) :] = np.arange(first_number, first_number + len(newest))
        encoded_lines.extend(_encode(model, text) for text in newest)
    return model.batcher.pad_contexts(Lines(encoded_lines), line_numbers)


def reply_array(model: Model, replies: Sequence[str]) -> Ints:
    """Converts replies: (replies, tokens) ids with start and end tokens."""
    lines = Lines(_encode(model, text) for text in replies)
    line_numbers = np.arange(1, len(replies) + 1, dtype=np.int32)
    return model.batcher.pad_replies(lines, line_numbers)


def _encode(model: Model, text: str) -> list[int]:
    return model.vocabulary.encode(model.style.tokenize(text))
