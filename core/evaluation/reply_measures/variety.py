"""The variety of replies, their vocabulary, and the averages of their style."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain

from autocakechat.evaluation.held_out_examples import TrainingReplies
from autocakechat.evaluation.intervals import Interval, Intervals, Statistic
from autocakechat.evaluation.metric_registry import NGRAM_SIZES
from autocakechat.evaluation.metrics import WordList, distinct, split_words
from autocakechat.evaluation.reply_measures.writing_style import style_values


class Variety:
    """Measures the variety and the vocabulary of replies.

    Args:
        training: The person's replies in the training part.
        size: The number of words to measure distinct-n on.
        seed: The seed of the draws of words.
    """

    def __init__(self, training: TrainingReplies, size: int, seed: int) -> None:
        self._training = training
        self._size = size
        self._seed = seed

    def measure(self, replies: Sequence[str], intervals: Intervals) -> dict[str, Interval]:
        """Returns distinct-n, the share of different replies, and the similarity to the training replies."""
        words = [split_words(reply) for reply in replies]
        texts = [reply.strip() for reply in replies]

        def different(indices: Sequence[int]) -> float:
            return len({texts[index] for index in indices}) / len(indices)

        def similarity(indices: Sequence[int]) -> float | None:
            return self._training.lexicon.similarity(words[index] for index in indices)

        statistics: dict[str, Statistic] = {
            "variety.different": different,
            "variety.lexical_similarity": similarity,
            **{f"variety.distinct_{n}": partial(self._distinct, words, n) for n in NGRAM_SIZES},
        }
        return {key: intervals.statistic(statistic, lowest=0, highest=1) for key, statistic in statistics.items()}

    def _distinct(self, words: Sequence[WordList], n: int, indices: Sequence[int]) -> float | None:
        return distinct(_repeated([words[index] for index in indices], self._size), n, self._size, self._seed)


def measure_style(replies: Sequence[str], intervals: Intervals) -> dict[str, Interval]:
    """Returns the means of all style metrics, and the median of the number of words."""
    values = style_values(replies)
    words = [value for value in values["length.words"] if value is not None]
    means = {key: intervals.mean(own) for key, own in values.items()}
    return means | {"length.median_words": intervals.median(words)}


def _repeated(words: Sequence[WordList], size: int) -> Sequence[WordList]:
    """Repeats replies until they have enough words. Only the replies of a baseline can have too few."""
    available = sum(map(len, words))
    if not 0 < available < size:
        return words
    return list(chain.from_iterable(words for _ in range(-(-size // available))))
