"""A loaded model that answers."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autocakechat import Reply, Request, Score
from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.data.samples import NO_LINE, Lines
from autocakechat.plugins.trainers.cakechat.inference.banned_phrases import banned_phrases
from autocakechat.plugins.trainers.cakechat.inference.beam_search import BeamSearch
from autocakechat.plugins.trainers.cakechat.inference.mmi_reranking import Reranker
from autocakechat.plugins.trainers.cakechat.inference.sampler import Sampler
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.int8_output_layer import fastest_output_layer
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, load_model
from autocakechat.plugins.trainers.cakechat.network.output_layer import Float32OutputLayer, OutputLayer
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions

_MOST_LOGITS = 1 << 26
"""Numbers that scoring makes at once, a quarter of a gigabyte: one for each target token and word of the vocabulary."""


def load(path: Path, options: ReplyOptions) -> CakeChatResponder:
    """Loads a model folder to answer with.

    Args:
        path: A folder that the trainer wrote.
        options: The options of `[reply]`.

    Returns:
        The responder.

    Raises:
        UserError: The folder is damaged, or lacks the reverse model that reranking needs.
    """
    model = load_model(path, reverse=options.mode.endswith("reranking"))
    return CakeChatResponder(model, options, fastest_output_layer(model.network))


class CakeChatResponder:
    """Answers with a network.

    Candidates are found by sampling or beam search, ranked, and one of the best that may be said is said.

    Args:
        model: The network and what its numbers mean; with its reverse network for the modes that rerank.
        options: How to answer.
        output: The output layer of the network.

    Attributes:
        labels: Emotions it can answer with.
        context_lines: Lines of context it makes use of.
    """

    def __init__(self, model: Model, options: ReplyOptions, output: OutputLayer) -> None:
        self.labels: Sequence[str] = model.conditions.labels
        self.context_lines = model.settings.context_lines
        self._model = model
        self._options = options
        self._rules = DecodingOptions(
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            repetition_penalty=options.repetition_penalty,
        )
        style = model.style
        banned = [[style.plain(token) for token in style.tokenize(phrase)] for phrase in banned_phrases(options)]
        self._phrases = [phrase for phrase in banned if len(phrase) > 1]
        words = TokenRules.from_vocabulary(
            model.vocabulary, {phrase[0] for phrase in banned if len(phrase) == 1}, style.plain
        )
        self._scorer = Scorer(model.network, Float32OutputLayer(model.network), words.pad)
        self._sampler = Sampler(model.network, output, words)
        self._beam_search = BeamSearch(model.network, output, words)
        self._reranker = None
        if model.reverse is not None:
            forward = Scorer(model.network, output, words.pad)
            reverse = Scorer(model.reverse, fastest_output_layer(model.reverse), words.pad)
            self._reranker = Reranker(forward, reverse, words, model.batcher.packer)
        self._random = np.random.default_rng(secrets.randbits(64) if options.seed is None else options.seed)

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Answers many conversations at once.

        Where no candidate may be said, because it has no words or holds a banned phrase, more are drawn some times;
        then the fallback is said.

        Args:
            requests: One for each conversation.

        Returns:
            One reply for each request, in the same order.
        """
        replies = [Reply(self._options.fallback)] * len(requests)
        unanswered = list(range(len(requests)))
        for _ in range(self._options.tries if self._options.mode.startswith("sampling") else 1):
            if not unanswered:
                break
            found = self._candidates([requests[number] for number in unanswered])
            for number, candidates in zip(unanswered, found, strict=True):
                if candidates:
                    best = candidates[: self._options.choose_among]
                    replies[number] = Reply(best[self._random.integers(len(best))], candidates)
            unanswered = [number for number, candidates in zip(unanswered, found, strict=True) if not candidates]
        return replies

    def score(self, requests: Sequence[Request], answers: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Tells how likely the network finds answers, whatever the options of `[reply]` are.

        Args:
            requests: One for each conversation.
            answers: For each request the answers to score. One that is longer than those of the training is cut.

        Returns:
            For each request one score for each of its answers, in the same order.
        """
        settings = self._model.settings
        most = max(1, _MOST_LOGITS // (settings.network.tokens * (settings.reply_tokens + 1)))
        scores: list[list[Score]] = []
        first, number = 0, 0
        for last, told in enumerate(answers, 1):
            number += len(told)
            if last == len(answers) or number + len(answers[last]) > most:
                scores += self._score_at_once(requests[first:last], answers[first:last])
                first, number = last, 0
        return scores

    def _score_at_once(self, requests: Sequence[Request], answers: Sequence[Sequence[str]]) -> list[list[Score]]:
        numbers = [len(told) for told in answers]
        if not any(numbers):
            return [[] for _ in requests]
        model, packer = self._model, self._model.batcher.packer
        contexts = packer.pack_contexts(*self._padded_context(requests))
        lines = Lines(model.vocabulary.encode(model.style.tokenize(text)) for told in answers for text in told)
        response = model.batcher.pad_replies(lines, np.arange(1, sum(numbers) + 1, dtype=np.int32))
        condition = np.array([model.conditions.id(request.emotion) for request in requests], np.int32)
        thoughts = np.repeat(self._scorer.encode_contexts(contexts), numbers, 0)
        log_p, tokens = self._scorer.score_replies(
            thoughts, packer.pack_replies(np.repeat(condition, numbers), response)
        )
        found = [Score(*score) for score in zip(log_p.tolist(), tokens.tolist(), strict=True)]
        return [found[end - number : end] for number, end in zip(numbers, np.cumsum(numbers), strict=True)]

    def _candidates(self, requests: Sequence[Request]) -> list[list[str]]:
        """Returns what may be said to each request, best first."""
        lines, context = self._padded_context(requests)
        condition = np.array([self._model.conditions.id(request.emotion) for request in requests], np.int32)
        thoughts = self._scorer.encode_contexts(self._model.batcher.packer.pack_contexts(lines, context))
        found = self._find(thoughts, condition)
        if self._reranker:
            weight = self._options.reverse_weight
            scores = self._reranker.score(lines[context], thoughts, condition, found, weight, self._rules)
            found = [ids[np.argsort(-score, kind="stable")] for ids, score in zip(found, scores, strict=True)]
        return [self._sayable(ids) for ids in found]

    def _find(self, thoughts: Floats, condition: Ints) -> list[Ints]:
        """Finds candidates for each request: (candidates, tokens) ids, the start token first."""
        if self._options.mode.startswith("beamsearch"):
            return self._beam_search.search(thoughts, condition, self._rules, self._options.beams)
        each = self._options.candidates if self._reranker else 1
        seed = self._random.integers(2**31 - 1, size=2).tolist()
        drawn = self._sampler.draw(np.repeat(thoughts, each, 0), np.repeat(condition, each), self._rules, seed)
        return np.split(np.insert(drawn, 0, self._model.vocabulary.start, axis=1), len(condition))

    def _padded_context(self, requests: Sequence[Request]) -> tuple[Ints, Ints]:
        """Returns the newest lines of all requests, (lines, tokens) ids, and which of them each request has."""
        vocabulary = self._model.vocabulary
        lines: list[list[int]] = []
        numbers = np.full((len(requests), self.context_lines), NO_LINE, np.int32)
        for row, request in zip(numbers, requests, strict=True):
            newest = request.context[-self.context_lines :]
            row[len(row) - len(newest) :] = range(len(lines) + 1, len(lines) + 1 + len(newest))
            lines.extend(vocabulary.encode(self._model.style.tokenize(text)) for text in newest)
        return self._model.batcher.pad_contexts(Lines(lines), numbers)

    def _sayable(self, candidates: Ints) -> list[str]:
        """Returns the texts of candidates that have any, hold no banned phrase and are not there yet."""
        style = self._model.style
        texts: dict[str, None] = {}
        for ids in candidates.tolist():
            words = self._model.vocabulary.decode(ids[1:])
            plain = [style.plain(word) for word in words]
            text = style.join(words)
            if text and not any(_holds(plain, phrase) for phrase in self._phrases):
                texts[text] = None
        return list(texts)


def _holds(words: Sequence[str], phrase: Sequence[str]) -> bool:
    return any(words[start : start + len(phrase)] == phrase for start in range(len(words) - len(phrase) + 1))
