"""Rankers that know words and no model: baselines for ranking, and the judges of the relevance of replies.

Sources: BM25 with the weights of Robertson and Zaragoza 2009; TF-IDF with the weights of `metrics.Lexicon`.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from autocakechat.evaluation.metrics import split_words
from autocakechat.retrieval.word_vectors import Weights, product, rarity, unit_vector

_K1 = 0.9
_B = 0.75
_NEIGHBOURS = 50
_QUERY_WORDS = 8  # the rarest words of a message; the others find nearly every message

_LINES = 3
_PAST_WEIGHT = 0.25

WordRanker = Callable[[Sequence[str], str], float]
"""Computes how well a reply fits a context; higher is better."""


class RareWords:
    """Compares two texts by the words that they share. Rare words count more.

    Args:
        texts: Texts to learn from how rare words are.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._frequency: Counter[str] = Counter()
        self._texts = 0
        self._vectors: dict[str, Weights] = {}
        for text in texts:
            self._frequency.update(_words(text))
            self._texts += 1

    def similarity(self, first: str, second: str) -> float:
        """Returns the cosine of the TF-IDF vectors of two texts, each word counted once: 0 without a common word."""
        return product(self.vector(first), self.vector(second))

    def vector(self, text: str) -> Weights:
        """Returns the weights of the words of a text, as a vector of length 1; empty without words."""
        if text not in self._vectors:
            self._vectors[text] = unit_vector({word: self.rarity(word) for word in _words(text)})
        return self._vectors[text]

    def rarity(self, word: str) -> float:
        """Returns how rare a word is, see `word_vectors.rarity`."""
        return rarity(self._frequency[word], self._texts)


class PastExchanges:
    """Finds the past messages that are most like a message (BM25), and compares replies with the replies to these.

    Args:
        exchanges: Messages with the person's replies.
        rare_words: Compares the replies.
    """

    def __init__(self, exchanges: Sequence[tuple[str, str]], rare_words: RareWords) -> None:
        self._replies = [reply for _, reply in exchanges]
        self._rare_words = rare_words
        counts = [Counter(_word_list(message)) for message, _ in exchanges]
        lengths = [count.total() for count in counts]
        mean_length = sum(lengths) / max(1, len(lengths)) or 1
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, (count, length) in enumerate(zip(counts, lengths, strict=True)):
            for word, times in count.items():
                weight = times / (times + _K1 * (1 - _B + _B * length / mean_length))
                self._postings[word].append((number, weight))

    def expected_reply(self, message: str) -> Weights:
        """Returns the words of the replies to the most similar past messages, as a vector of length 1.

        Each reply counts as much as its message is similar. The vector is empty if no past message shares a word.
        """
        expected: Weights = defaultdict(float)
        for number, score in self.nearest(message):
            for word, weight in self._rare_words.vector(self._replies[number]).items():
                expected[word] += score * weight
        return unit_vector(expected)

    def nearest(self, message: str) -> list[tuple[int, float]]:
        """Returns the numbers of the most similar past exchanges with their BM25 scores, best first."""
        scores: dict[int, float] = defaultdict(float)
        for word in sorted(_words(message), key=self._rare_words.rarity, reverse=True)[:_QUERY_WORDS]:
            postings = self._postings.get(word, ())
            rarity = math.log(1 + (len(self._replies) - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, weight in postings:
                scores[number] += rarity * weight
        return heapq.nlargest(_NEIGHBOURS, scores.items(), key=lambda item: (item[1], -item[0]))


class RelevanceJudge:
    """Judges how well replies fit contexts, by words only and independently of the models.

    Args:
        exchanges: Messages with the person's replies, from the training part.
    """

    def __init__(self, exchanges: Sequence[tuple[str, str]]) -> None:
        self.rare_words = RareWords(text for exchange in exchanges for text in exchange)
        self._past = PastExchanges(exchanges, self.rare_words)
        self._expected: dict[str, Weights] = {}

    def shared_words(self, context: Sequence[str], reply: str) -> float:
        """Compares a reply with the last lines of the context."""
        return self.rare_words.similarity("\n".join(context[-_LINES:]), reply)

    def past_exchanges(self, context: Sequence[str], reply: str) -> float:
        """Compares a reply with the person's replies to similar messages."""
        message = context[-1]
        if message not in self._expected:
            self._expected[message] = self._past.expected_reply(message)
        return product(self._expected[message], self.rare_words.vector(reply))

    def fit(self, context: Sequence[str], reply: str) -> float:
        """Combines both comparisons. Shared words count more: they find the true reply more often."""
        return self.shared_words(context, reply) + _PAST_WEIGHT * self.past_exchanges(context, reply)


def _word_list(text: str) -> list[str]:
    return [word for word in split_words(text) if word[0].isalnum()]


def _words(text: str) -> list[str]:
    """Returns the different words of a text in order: sums of floats then do not depend on the hash seed."""
    return list(dict.fromkeys(_word_list(text)))
