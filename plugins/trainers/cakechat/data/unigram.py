"""How frequent tokens are among the answers, which is what a network has to do better than."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autocakechat.plugins.trainers.cakechat.data.samples import Batcher, Samples


def token_frequencies(batcher: Batcher, samples: Samples) -> npt.NDArray[np.float64]:
    """Returns how frequent each token is among the targets, (vocabulary,), one added to each count."""
    counts = _target_counts(batcher, samples) + 1
    frequencies: npt.NDArray[np.float64] = counts / counts.sum()
    return frequencies


def unigram_perplexity(frequencies: npt.NDArray[np.float64], batcher: Batcher, validation: Samples) -> float:
    """Returns the perplexity of a model that knows nothing but how frequent each token is.

    Args:
        frequencies: (vocabulary,) from `token_frequencies`.
        batcher: Cuts answers to the same targets as the network's.
        validation: Whose target tokens are to be told.
    """
    counts = _target_counts(batcher, validation)
    return float(np.exp(-(counts @ np.log(frequencies)) / max(counts.sum(), 1)))


def _target_counts(batcher: Batcher, samples: Samples) -> npt.NDArray[np.int64]:
    words = batcher.vocabulary
    targets = np.concatenate([batch.replies.targets for batch in batcher.batches_by_length(samples, 1024)])
    return np.bincount(targets[targets != words.pad], minlength=len(words))
