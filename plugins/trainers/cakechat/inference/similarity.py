"""Compares contexts and replies by their vectors in the space of similarities; see `network.hred`."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats
from autocakechat.plugins.trainers.cakechat.inference.text_arrays import context_arrays
from autocakechat.plugins.trainers.cakechat.network.model_files import Model

_TEXTS = 256
"""Texts that are encoded at once."""


@attrs.frozen
class SimilarityEncoder:
    """Encodes texts so that the product of two vectors says how well a reply fits a context, from -1 to 1.

    Attributes:
        model: A model whose network has a shared embedding.
    """

    model: Model

    def encode_contexts(self, contexts: Sequence[Sequence[str]]) -> Floats:
        """Encodes contexts, each a sequence of lines, oldest first: (contexts, embedding), of length 1."""
        network, packer = self.model.network, self.model.batcher.packer
        parts = [contexts[start : start + _TEXTS] for start in range(0, len(contexts), _TEXTS)]
        thoughts = (network.encode_contexts(packer.pack_contexts(*context_arrays(self.model, part))) for part in parts)
        return self._stacked([network.similarity_vectors(vectors) for vectors in thoughts])

    def encode_replies(self, replies: Sequence[str]) -> Floats:
        """Encodes replies: (replies, embedding), of length 1."""
        network, packer = self.model.network, self.model.batcher.packer
        vectors = []
        for start in range(0, len(replies), _TEXTS):
            lines, numbers = context_arrays(self.model, [[text] for text in replies[start : start + _TEXTS]])
            contexts = packer.pack_contexts(lines, numbers[:, -1:])
            encoded = network.encode_replies(contexts.lines)
            vectors.append(encoded[contexts.line_numbers.values][contexts.unsorted_indices])
        return self._stacked(vectors)

    def _stacked(self, vectors: Sequence[Floats]) -> Floats:
        return np.concatenate([np.empty((0, self.model.settings.network.embedding), np.float32), *vectors])
