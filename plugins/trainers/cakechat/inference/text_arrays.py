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
        (lines, tokens) padded ids of all lines, and (samples, context lines) row numbers of these, newest last.
    """
    ids: list[list[int]] = []
    line_numbers = np.full((len(contexts), model.settings.context_lines), NO_LINE, np.int32)
    for row, context in zip(line_numbers, contexts, strict=True):
        newest = context[-len(row) :]
        row[len(row) - len(newest) :] = range(len(ids) + 1, len(ids) + 1 + len(newest))
        ids.extend(_encode(model, text) for text in newest)
    return model.batcher.pad_contexts(Lines(ids), line_numbers)


def reply_array(model: Model, replies: Sequence[str]) -> Ints:
    """Converts replies: (replies, tokens) ids with start and end tokens."""
    lines = Lines(_encode(model, text) for text in replies)
    return model.batcher.pad_replies(lines, np.arange(1, len(replies) + 1, dtype=np.int32))


def _encode(model: Model, text: str) -> list[int]:
    return model.vocabulary.encode(model.style.tokenize(text))
