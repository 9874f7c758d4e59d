"""Counts the dialogs of a corpus while they are written, and samples some of their pairs."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from autocakechat.interface.corpus import Utterance

_SAMPLE_SIZE = 20
_DELIMITER = "\0"  # hardly ever part of a text
_ENCODED_DELIMITER = _DELIMITER.encode()
_OTHER_BYTES = bytes(set(range(256)) - set(b"\0 \n"))


@attrs.frozen
class Bin:
    """A bar of a histogram: `count` values from `low` to `high`, both included."""

    low: int
    high: int
    count: int


@attrs.frozen
class SamplePair:
    """A pair of the corpus, chosen at random.

    Attributes:
        question: What the client says, the last turn of the context.
        answer: The server's reply.
    """

    question: str
    answer: str


class DialogStatistics:
    """Counts the dialogs that one chat contributes to the corpus.

    Attributes:
        dialogs: Number of dialogs.
        pairs: Number of pairs in them.
        client_words: Number of words in the client's turns.
        reply_words: Number of words in the server's turns.
        reply_senders: Number of messages in the server's turns, by the id of their sender.
        dialog_lengths: Histogram of pairs per dialog, by bit length: 1, 2 to 3, 4 to 7 and so on.
        reply_lengths: Histogram of words per reply, by bit length.
    """

    __slots__ = ("client_words", "dialog_lengths", "dialogs", "pairs", "reply_lengths", "reply_senders", "reply_words")

    def __init__(self) -> None:
        self.dialogs = 0
        self.pairs = 0
        self.client_words = 0
        self.reply_words = 0
        self.reply_senders: Counter[str] = Counter()
        self.dialog_lengths: Counter[int] = Counter()
        self.reply_lengths: Counter[int] = Counter()

    def add(self, pairs: Sequence[int], client_turns: Sequence[str], replies: Sequence[str]) -> None:
        """Counts dialogs.

        Args:
            pairs: Number of pairs in each dialog.
            client_turns: The client's turns of all dialogs, one for each pair.
            replies: The server's turns of all dialogs, one for each pair.
        """
        words = _count_words(replies)
        self.dialogs += len(pairs)
        self.pairs += len(replies)
        self.client_words += sum(_count_words(client_turns))
        self.reply_words += sum(words)
        self.dialog_lengths.update(map(int.bit_length, pairs))
        self.reply_lengths.update(map(int.bit_length, words))


class PairSampler:
    """Samples pairs from a stream of dialogs of unknown length: reservoir sampling, algorithm L (Li 1994).

    Every dialog has the same probability to contribute a pair. The algorithm draws how many dialogs to skip, rather
    than one random number per dialog. With n the size of the sample and u, v uniform in (0, 1]:

        w <- w * u^(1/n)
        skip <- floor(ln v / ln(1 - w))

    Args:
        seed: Seed of the random numbers.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - not used for secrets
        self._samples: list[SamplePair] = []
        self._w = 1.0
        self._next = 0  # index of the next dialog to sample, from the start of the next call of `offer`

    def offer(self, dialogs: Sequence[Sequence[Utterance]]) -> None:
        """Samples from the next dialogs of the stream."""
        while self._next < len(dialogs):
            self._take(dialogs[self._next])
            self._next += 1
            if len(self._samples) == _SAMPLE_SIZE:
                self._next += self._draw_skip()
        self._next -= len(dialogs)

    def _take(self, utterances: Sequence[Utterance]) -> None:
        """Adds a random pair of a dialog to the sample; it replaces a random one if the sample is full."""
        start = 2 * self._random.randrange(len(utterances) // 2)
        sample = SamplePair(question=utterances[start].text, answer=utterances[start + 1].text)
        if len(self._samples) < _SAMPLE_SIZE:
            self._samples.append(sample)
        else:
            self._samples[self._random.randrange(_SAMPLE_SIZE)] = sample

    def _draw_skip(self) -> int:
        u = 1 - self._random.random()
        self._w *= math.exp(math.log(u) / _SAMPLE_SIZE)
        v = 1 - self._random.random()
        return int(math.log(v) / math.log1p(-self._w))

    def samples(self) -> list[SamplePair]:
        """Returns the sampled pairs in random order."""
        self._random.shuffle(self._samples)
        return self._samples


def histogram_bins(histograms: Iterable[Counter[int]]) -> list[Bin]:
    """Adds up histograms by bit length.

    Args:
        histograms: Number of values by their bit length; values of bit length b are in [2^(b-1), 2^b).

    Returns:
        The bins of the sum that are not empty, lowest first.
    """
    totals: Counter[int] = Counter()
    for histogram in histograms:
        totals.update(histogram)
    return [Bin(low=1 << (bits - 1), high=(1 << bits) - 1, count=totals[bits]) for bits in sorted(totals)]


def _count_words(texts: Sequence[str]) -> list[int]:
    """Counts the words of each text: the number of spaces and line breaks, plus one."""
    # Joins all texts and deletes every byte except spaces, line breaks and the delimiter between texts. What is left
    # of a text is one byte per separator of words. This takes half the time of counting text by text.
    joined = _DELIMITER.join(texts).encode("utf-8", "surrogatepass")
    separators = joined.translate(None, _OTHER_BYTES).split(_ENCODED_DELIMITER)
    if len(separators) != len(texts):  # a text contains the delimiter
        return [1 + text.count(" ") + text.count("\n") for text in texts]
    return [1 + count for count in map(len, separators)]
