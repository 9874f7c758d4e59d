"""The unigram baseline: token frequencies among the replies, and the perplexity that they alone reach."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Vocabulary


def token_frequencies(batcher: Batcher, samples: Samples) -> npt.NDArray[np.float64]:
    """Returns the relative frequency of each token among the targets, (vocabulary,), with add-one smoothing."""
    counts = _target_counts(batcher, samples) + 1
    frequencies: npt.NDArray[np.float64] = counts / counts.sum()
    return frequencies


def initial_salience(frequencies: npt.NDArray[np.float64], vocabulary: Vocabulary) -> npt.NDArray[np.float64]:
    """Returns the salience of each token before training: 0 for the most frequent one, 1 for the rarest.

        a(w) = log(p(w) / max p) / log(min p / max p)

    Service tokens have none.
    """
    salience: npt.NDArray[np.float64] = np.log(frequencies / frequencies.max())
    salience /= salience.min()
    salience[[vocabulary.pad, vocabulary.unknown, vocabulary.start, vocabulary.end]] = 0.0
    return salience


def unigram_perplexity(frequencies: npt.NDArray[np.float64], batcher: Batcher, validation: Samples) -> float:
    """Returns the perplexity of a unigram model, exp(-1/N Σ log p(target)).

    Args:
        frequencies: (vocabulary,) p, from `token_frequencies`.
        batcher: Selects the same targets as for the network.
        validation: Samples whose targets are predicted.
    """
    counts = _target_counts(batcher, validation)
    return float(np.exp(-(counts @ np.log(frequencies)) / max(counts.sum(), 1)))


def _target_counts(batcher: Batcher, samples: Samples) -> npt.NDArray[np.int64]:
    """Counts each token among the targets, without pads: (vocabulary,)."""
    vocabulary = batcher.vocabulary
    targets = np.concatenate([batch.replies.targets for batch in batcher.batches_by_length(samples, 1024)])
    return np.bincount(targets[targets != vocabulary.pad], minlength=len(vocabulary))
