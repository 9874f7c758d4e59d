"""A loaded model that answers."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autocakechat import Reply, Request, RunContext
from autocakechat.plugins.trainers.cakechat import ReplyOptions
from autocakechat.plugins.trainers.cakechat.decoding import Decoder, Rules
from autocakechat.plugins.trainers.cakechat.folder import Model, load_model
from autocakechat.plugins.trainers.cakechat.packing import Contexts
from autocakechat.plugins.trainers.cakechat.samples import NO_LINE, Lines
from autocakechat.plugins.trainers.cakechat.text import prettify, tokenize


def load(path: Path, options: ReplyOptions, run: RunContext) -> CakeChatResponder:
    """Loads a model folder to answer with.

    Args:
        path: A folder that the trainer wrote.
        options: The options of `[reply]`.
        run: Where to say what was found.

    Returns:
        The responder.

    Raises:
        UserError: The folder is damaged.
    """
    return CakeChatResponder(load_model(path), options)


class CakeChatResponder:
    """Answers with a network.

    Args:
        model: The network and what its numbers mean.
        options: How to answer.

    Attributes:
        labels: Emotions it can answer with.
        context_lines: Lines of context it makes use of.
    """

    def __init__(self, model: Model, options: ReplyOptions) -> None:
        self.labels: Sequence[str] = model.conditions.labels
        self.context_lines = model.settings.context_lines
        self._model = model
        self._fallback = options.fallback
        self._tries = options.tries
        self._rules = Rules(
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            repetition_penalty=options.repetition_penalty,
        )
        banned = [tokenize(phrase) for phrase in options.banned]
        self._phrases = [phrase for phrase in banned if len(phrase) > 1]
        self._decoder = Decoder(model.network, model.vocabulary, {phrase[0] for phrase in banned if len(phrase) == 1})
        self._random = np.random.default_rng(secrets.randbits(64) if options.seed is None else options.seed)

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Answers many conversations at once.

        An answer without words, or with a banned phrase, is drawn again some times; then the fallback is said.

        Args:
            requests: One for each conversation.

        Returns:
            One reply for each request, in the same order.
        """
        replies = [Reply(self._fallback)] * len(requests)
        open_requests = list(range(len(requests)))
        for _ in range(self._tries):
            if not open_requests:
                break
            drawn = self._draw([requests[number] for number in open_requests])
            for number, words in zip(open_requests, drawn, strict=True):
                if self._may_be_said(words):
                    text = prettify(words)
                    replies[number] = Reply(text, candidates=(text,))
            open_requests = [n for n, words in zip(open_requests, drawn, strict=True) if not self._may_be_said(words)]
        return replies

    def _draw(self, requests: Sequence[Request]) -> list[list[str]]:
        """Draws an answer to each request, as words."""
        condition = np.array([self._model.conditions.id(request.emotion) for request in requests], np.int32)
        seed = self._random.integers(2**31 - 1, size=2).tolist()
        drawn = self._decoder.sample(self._contexts(requests), condition, self._rules, seed)
        return [self._model.vocabulary.words(ids) for ids in drawn.tolist()]

    def _contexts(self, requests: Sequence[Request]) -> Contexts:
        """Makes what the encoders read of the newest lines of each request."""
        vocabulary = self._model.vocabulary
        lines: list[list[int]] = []
        numbers = np.full((len(requests), self.context_lines), NO_LINE, np.int32)
        for row, request in zip(numbers, requests, strict=True):
            newest = request.context[-self.context_lines :]
            row[len(row) - len(newest) :] = range(len(lines) + 1, len(lines) + 1 + len(newest))
            lines.extend(vocabulary.ids(tokenize(text)) for text in newest)
        return self._model.batcher.contexts(Lines(lines), numbers)

    def _may_be_said(self, words: list[str]) -> bool:
        return bool(words) and not any(_holds(words, phrase) for phrase in self._phrases)


def _holds(words: Sequence[str], phrase: Sequence[str]) -> bool:
    return any(words[start : start + len(phrase)] == phrase for start in range(len(words) - len(phrase) + 1))
