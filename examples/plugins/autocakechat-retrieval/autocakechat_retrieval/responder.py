"""Replies with what the person once replied to a similar line."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from autocakechat import Reply, Request
from autocakechat_retrieval.index import Field, Index, Scores
from autocakechat_retrieval.terms import terms

if TYPE_CHECKING:
    from autocakechat_retrieval import ReplyOptions

_MAX_CANDIDATES = 10
_FREQUENT_REPLIES = 20
_NEIGHBOURS = 50


class Retriever:
    """Retrieves replies from an index.

    Args:
        index: The index.
        options: The reply options.
    """

    def __init__(self, index: Index, options: ReplyOptions) -> None:
        self.labels: Sequence[str] = sorted(set(index.labels.tolist()))
        self.context_lines = index.context_lines
        self._index = index
        self._options = options
        phrases = (_normalise(phrase) for phrase in options.banned)
        self._banned = [phrase for phrase in phrases if phrase.strip()]
        self._random = np.random.default_rng(secrets.randbits(64) if options.seed is None else options.seed)
        self._frequent = [text for text, _ in Counter(index.replies).most_common(_FREQUENT_REPLIES)]

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Replies to several conversations.

        Replies with the requested label rank before others. Replies that the server gave in the lines of context are
        excluded. If no reply matches, one of the person's most frequent replies is chosen.

        Args:
            requests: One per conversation.

        Returns:
            One reply per request, in the same order.
        """
        return [self._reply(request) for request in requests]

    def rank(self, requests: Sequence[Request], candidates: Sequence[Sequence[str]]) -> list[list[float]]:
        """Ranks candidates by their likeness to the replies that match a conversation best.

        Args:
            requests: One per conversation.
            candidates: For each request, any number of replies to rank.

        Returns:
            For each request, one number per candidate, in the same order: the higher, the better it fits.
        """
        return [self._rank_one(request, texts) for request, texts in zip(requests, candidates, strict=True)]

    def _rank_one(self, request: Request, candidates: Sequence[str]) -> list[float]:
        scores = self._scores(request.context[-self.context_lines :])
        best = np.argsort(-scores, kind="stable")[:_NEIGHBOURS]
        return [float(scores[best] @ self._likeness(text)[best]) for text in candidates]

    def _likeness(self, text: str) -> Scores:
        """Returns how much every indexed reply is like a text, shape (replies,): a vector of length 1, or zeros.

        Without the division, long texts and texts of frequent words would be like every reply.
        """
        scores = self._index.scores(Field.REPLY, text)
        length = np.linalg.norm(scores)
        return scores / length if length else scores

    def _reply(self, request: Request) -> Reply:
        context = request.context[-self.context_lines :]
        scores = self._scores(context)
        if scores.any():
            ranked = _rank(scores, self._index.labels == request.emotion)
            candidates = self._select_candidates((self._index.replies[i] for i in ranked), context)
            choices = candidates[: self._options.choose_among]
        else:
            choices = candidates = self._select_candidates(iter(self._frequent), context)
        if not candidates:
            return Reply(self._options.fallback)
        return Reply(choices[self._random.integers(len(choices))], candidates)

    def _scores(self, context: Sequence[str]) -> Scores:
        """Returns the score of every reply for a conversation, shape (replies,)."""
        *earlier, message = context
        scores = self._index.scores(Field.MESSAGE, message)
        scores = scores + self._options.answer_weight * self._index.scores(Field.REPLY, message)
        if earlier and scores.any():
            scores += self._options.earlier_weight * self._index.scores(Field.EARLIER, "\n".join(earlier))
        return scores

    def _select_candidates(self, replies: Iterator[str], context: Sequence[str]) -> list[str]:
        """Returns the first distinct replies that are neither banned nor repetitions."""
        previous = set(context[-2::-2])  # the server's lines: the last line is the client's
        allowed = (reply for reply in replies if reply not in previous and not self._is_banned(reply))
        return list(islice(dict.fromkeys(islice(allowed, 2 * _MAX_CANDIDATES)), _MAX_CANDIDATES))

    def _is_banned(self, reply: str) -> bool:
        normalised = _normalise(reply)
        return any(phrase in normalised for phrase in self._banned)


def _normalise(text: str) -> str:
    """Returns the terms of a text, each between spaces, so that phrases match whole words only."""
    return f" {' '.join(terms(text))} "


def _rank(scores: Scores, has_label: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[int]:
    """Yields the indices of all matching replies: those with the label first, each part by descending score."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0]
    yield from map(int, order[has_label[order]])
    yield from map(int, order[~has_label[order]])
