"""Features of a candidate reply in its context: what the ranker weighs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import attrs

from autocakechat.interface.model import Request
from autocakechat.retrieval.exchanges import last_turn
from autocakechat.retrieval.reply_index import Match, ReplyIndex
from autocakechat.retrieval.scores import best
from autocakechat.retrieval.terms import has_question_mark, split_terms
from autocakechat.retrieval.word_vectors import Weights, product, rarity, unit_vector

if TYPE_CHECKING:
    import numpy as np

    Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]

OVERLAP = "shares words with the last lines"

_NEIGHBOURS = 50
_EARLIER_WEIGHT = 0.3

MoreFeatures = Callable[[Request, Sequence[str]], Mapping[str, Sequence[float]]]
"""Computes further features of candidates, such as the log probability of a network.

It gets a conversation and the texts of candidates, and returns one value per candidate by the name of the feature, as
users read it. It returns the same features for every conversation.
"""


def no_more_features(request: Request, candidates: Sequence[str]) -> Mapping[str, Sequence[float]]:
    """Computes no further features."""
    return {}


@attrs.frozen
class Candidate:
    """A candidate reply.

    Attributes:
        text: The text.
        label: The label that it was once given with; None if unknown.
        number: The number of its exchange in the index; None if it is not from there.
    """

    text: str
    label: str | None = None
    number: int | None = None

    @classmethod
    def from_match(cls, match: Match) -> Candidate:
        """Makes a candidate of a past reply that a search found."""
        return cls(match.exchange.reply, match.exchange.label, match.number)


class CandidateFeatures:
    """Computes the features of candidates.

    Args:
        index: The person's past replies.
        more: Computes further features.
    """

    def __init__(self, index: ReplyIndex, more: MoreFeatures = no_more_features) -> None:
        self._index = index
        self._more = more
        self._words = lru_cache(8192)(self._words_of)
        self._rarity = lru_cache(65_536)(self._rarity_of)

    def columns(
        self, request: Request, candidates: Sequence[Candidate], without: range = range(0)
    ) -> Mapping[str, Sequence[float]]:
        """Computes the features of candidates, without those of `more`.

        Args:
            request: The conversation.
            candidates: The candidates; at least one.
            without: Numbers of exchanges of the index that are left out.

        Returns:
            One value per candidate, by the name of the feature as users read it.
        """
        lines = request.context[-self._index.context_lines :]
        message, last, older = self._join(lines[-1:]), self._join(lines), self._join(request.context[: -len(lines)])
        own = self._join(request.context[-2::-2])
        conversation = last | older
        expected = self._expected_reply(request.context, without)
        texts = [candidate.text for candidate in candidates]
        found = [split_terms(text) for text in texts]
        words = [self._join([text]) for text in texts]
        columns: dict[str, Sequence[float]] = {
            "shares words with the message": [_shared(message, reply) for reply in words],
            OVERLAP: [_cosine(last, reply) for reply in words],
            "shares words with older lines": [_cosine(older, reply) for reply in words],
            "rarest word shared with the last lines": [_rarest(last, reply) for reply in words],
            "rarest word shared with the conversation": [_rarest(conversation, reply) for reply in words],
            "is like past replies to similar messages": [product(expected, unit_vector(reply)) for reply in words],
            "shares words with the bot's lines": [_cosine(own, reply) for reply in words],
            "length": [math.log1p(len(reply)) for reply in found],
            "rare words": [self._mean_rarity(reply) for reply in found],
            "asks a question": [float(has_question_mark(reply)) for reply in found],
            "has the label": [float(candidate.label == request.emotion) for candidate in candidates],
        }
        if self._index.meaning:
            numbers = [candidate.number for candidate in candidates]
            near, usual = self._index.meaning.compare(lines, texts, numbers)
            columns |= {"is close in meaning": near, "means what is usually replied": usual}
        return columns

    def more_columns(self, request: Request, candidates: Sequence[Candidate]) -> Mapping[str, Sequence[float]]:
        """Computes the further features of candidates, which may take longer."""
        return self._more(request, [candidate.text for candidate in candidates])

    def past_message(self, request: Request, candidates: Sequence[Candidate]) -> list[float]:
        """Returns how much the lines before each candidate, where it was once given, are like the present ones.

        This cannot be weighed like the other features: a true reply answers its own message, and no other does.

        Returns:
            A number from 0 to 1.3 for each candidate: mostly the likeness of the messages, and some of earlier lines.
        """
        message, earlier = self._message_and_earlier(request.context)
        found = []
        for candidate in candidates:
            likeness = 0.0
            if candidate.number is not None:
                past_message, past_earlier = self._message_and_earlier(self._index.exchanges[candidate.number].context)
                likeness = _cosine(message, past_message) + _EARLIER_WEIGHT * _cosine(earlier, past_earlier)
            found.append(likeness)
        return found

    def _message_and_earlier(self, context: Sequence[str]) -> tuple[Weights, Weights]:
        return self._words(last_turn(context)), self._join(context[-self._index.context_lines : -1])

    def _expected_reply(self, context: Sequence[str], without: range) -> Weights:
        """Returns the words of the replies to the most similar past messages, as a vector of length 1."""
        scores = self._index.message_scores(context)
        expected: Weights = defaultdict(float)
        for number in best(scores, _NEIGHBOURS, without):
            for word, weight in unit_vector(self._words(self._index.exchanges[number].reply)).items():
                expected[word] += float(scores[number]) * weight
        return unit_vector(expected)

    def _join(self, lines: Sequence[str]) -> Weights:
        """Returns the words of lines with their rarity."""
        return {word: rarity for line in lines for word, rarity in self._words(line).items()}

    def _words_of(self, text: str) -> Weights:
        return {word: self._rarity(word) for word in dict.fromkeys(split_terms(text)) if word[0].isalnum()}

    def _mean_rarity(self, words: Sequence[str]) -> float:
        return math.fsum(map(self._rarity, words)) / max(1, len(words))

    def _rarity_of(self, word: str) -> float:
        """Returns the inverse document frequency of a word in messages and replies."""
        return rarity(self._index.frequency(word), 2 * len(self._index))


def _shared(first: Weights, second: Weights) -> float:
    """Returns the length of the vector of the words that two texts share."""
    return math.hypot(*(rarity for word, rarity in second.items() if word in first))


def _cosine(first: Weights, second: Weights) -> float:
    return product(unit_vector(first), unit_vector(second))


def _rarest(first: Weights, second: Weights) -> float:
    """Returns the rarity of the rarest word that two texts share; 0 if they share none."""
    return max((rarity for word, rarity in second.items() if word in first), default=0.0)
