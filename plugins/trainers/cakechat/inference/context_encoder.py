"""Thought vectors of contexts: what the network understands of the lines before a reply."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats
from autocakechat.plugins.trainers.cakechat.inference.text_arrays import context_arrays
from autocakechat.plugins.trainers.cakechat.network.model_files import Model


class ContextEncoder:
    """Encodes contexts, and keeps the result of the last batch.

    A reply is generated and then ranked in the same context, so each context is encoded once.

    Args:
        model: The model.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._last: dict[tuple[str, ...], Floats] = {}

    def encode(self, contexts: Sequence[Sequence[str]]) -> Floats:
        """Returns the thought vector of each context: (contexts, hidden).

        Args:
            contexts: For each sample its lines, oldest first.
        """
        newest = [tuple(context[-self._model.settings.context_lines :]) for context in contexts]
        if not self._last.keys() >= {*newest}:
            arrays = context_arrays(self._model, newest)
            thoughts = self._model.network.encode_contexts(self._model.batcher.packer.pack_contexts(*arrays))
            self._last = dict(zip(newest, thoughts, strict=True))
        return np.stack([self._last[context] for context in newest])
