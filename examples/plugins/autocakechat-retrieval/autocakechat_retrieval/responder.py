"""Answers with what the person once answered to a line like this one."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from autocakechat import Reply, Request
from autocakechat_retrieval.index import Index, Scores
from autocakechat_retrieval.terms import terms

if TYPE_CHECKING:
    from autocakechat_retrieval import ReplyOptions

_CANDIDATES = 10
_USUAL = 20


class Retriever:
    """Finds answers.

    Args:
        index: The answers.
        options: How to choose among them.
    """

    def __init__(self, index: Index, options: ReplyOptions) -> None:
        self.labels: Sequence[str] = sorted(set(index.labels.tolist()))
        self.context_lines = index.context_lines
        self._index = index
        self._options = options
        self._banned = [
            phrase for phrase in (f" {' '.join(terms(text))} " for text in options.banned) if phrase.strip()
        ]
        self._random = np.random.default_rng(secrets.randbits(64) if options.seed is None else options.seed)
        self._usual = [text for text, _ in Counter(index.answers).most_common(_USUAL)]

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Answers many conversations.

        Answers with the wanted emotion go before others. What the server said in
        the lines of context is not said again.
        Where no word of the last line is known, one of the person's most frequent answers is said.

        Args:
            requests: One for each conversation.

        Returns:
            One reply for each request, in the same order.
        """
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Reply:
        context = request.context[-self.context_lines :]
        scores = self._scores(context)
        if scores.any():
            best = _best(scores, self._index.labels == request.emotion)
            candidates = self._sayable((self._index.answers[place] for place in best), context)
            among = self._options.choose_among
        else:
            candidates = self._sayable(iter(self._usual), context)
            among = _CANDIDATES
        if not candidates:
            return Reply(self._options.fallback)
        return Reply(candidates[self._random.integers(len(candidates[:among]))], candidates)

    def _scores(self, context: Sequence[str]) -> Scores:
        """Returns how well each answer fits a conversation: (answers,)."""
        *earlier, asked = context
        scores = self._index.scores("asked", asked)
        scores = scores + self._options.answer_weight * self._index.scores("answered", asked)
        if earlier and scores.any():
            scores += self._options.earlier_weight * self._index.scores("earlier", "\n".join(earlier))
        return scores

    def _sayable(self, answers: Iterator[str], context: Sequence[str]) -> list[str]:
        """Returns the first distinct answers that may be said."""
        said = set(context[-2::-2])  # the server's own lines: the last one is the client's
        allowed = (answer for answer in answers if answer not in said and not self._is_banned(answer))
        return list(islice(dict.fromkeys(islice(allowed, 2 * _CANDIDATES)), _CANDIDATES))

    def _is_banned(self, answer: str) -> bool:
        words = f" {' '.join(terms(answer))} "
        return any(phrase in words for phrase in self._banned)


def _best(scores: Scores, wanted: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[int]:
    """Yields the places of answers that fit at all: those that are wanted first, each part best first."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0]
    yield from map(int, order[wanted[order]])
    yield from map(int, order[~wanted[order]])
