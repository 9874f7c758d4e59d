"""A loaded model that generates and scores replies."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np

from autocakechat import Reply, Request, Score
from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.inference.banned_phrases import banned_phrases, contains_phrase
from autocakechat.plugins.trainers.cakechat.inference.beam_search import BeamSearch
from autocakechat.plugins.trainers.cakechat.inference.context_encoder import ContextEncoder
from autocakechat.plugins.trainers.cakechat.inference.mmi_reranking import Reranker
from autocakechat.plugins.trainers.cakechat.inference.sampler import Sampler
from autocakechat.plugins.trainers.cakechat.inference.text_arrays import context_arrays, reply_array
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.model_files import Model
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions

_SAMPLED_TOKENS = 8192
"""The most frequent tokens, which the mode ranked samples from. With a large vocabulary, the others would take most of
the time of a reply and occur in few."""

_MAX_SCORED = 128
"""Maximum number of replies that are scored at once, unless a request has more."""


class CakeChatResponder:
    """Generates replies in three steps: candidates by sampling or beam search, reranking, a choice among the best.

    Args:
        model: The model, with its reverse network for the modes that rerank.
        options: The options of `[reply]`.
        encoder: Encodes contexts; None for one of its own.

    Attributes:
        labels: The labels (emotions) that replies can be conditioned on.
        context_lines: The number of lines of context that the model uses.
    """

    def __init__(self, model: Model, options: ReplyOptions, encoder: ContextEncoder | None = None) -> None:
        self.labels: Sequence[str] = model.conditions.labels
        self.context_lines = model.settings.context_lines
        self._model = model
        self._options = options
        self._encoder = encoder or ContextEncoder(model)
        self._decoding = DecodingOptions(
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            repetition_penalty=options.repetition_penalty,
        )
        style = model.style
        banned = [
            [style.normalise_token(token) for token in style.tokenize(phrase)] for phrase in banned_phrases(options)
        ]
        self._banned_phrases = banned
        banned_tokens = {phrase[0] for phrase in banned if len(phrase) == 1}
        sampled = _SAMPLED_TOKENS if options.mode == "ranked" else None
        rules = TokenRules.from_vocabulary(model.vocabulary, banned_tokens, style.normalise_token, sampled)
        self._scorer = Scorer(model.network, rules.pad)
        self._sampler = Sampler(model.network, rules)
        self._beam_search = BeamSearch(model.network, rules)
        self._reranker = None
        if model.reverse is not None:
            reverse = Scorer(model.reverse, rules.pad)
            self._reranker = Reranker(self._scorer, reverse, rules, model.batcher.packer)
        self._random = np.random.default_rng(secrets.randbits(64) if options.seed is None else options.seed)

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Generates replies for a batch of conversations.

        If all candidates of a request are empty or contain a banned phrase, sampling is repeated, with at most `tries`
        sampling attempts in total. After the last one, the fallback is the reply. Beam search is not repeated, since it
        would find the same candidates.

        Args:
            requests: One request per conversation.

        Returns:
            One reply per request, in the same order.
        """
        replies = [Reply(self._options.fallback)] * len(requests)
        pending = list(range(len(requests)))
        attempts = 1 if self._options.uses_beam_search else self._options.tries
        for _ in range(attempts):
            if not pending:
                break
            candidates = self.candidates([requests[index] for index in pending])
            for index, texts in zip(pending, candidates, strict=True):
                if texts:
                    replies[index] = self._choose(texts)
            pending = [index for index, texts in zip(pending, candidates, strict=True) if not texts]
        return replies

    def score(self, requests: Sequence[Request], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Computes the log-likelihood of replies, independently of the options of `[reply]`.

        Args:
            requests: One request per conversation.
            replies: For each request, any number of replies to score. A reply with more tokens than `reply_tokens` of
                the training is truncated.

        Returns:
            For each request, one score per reply, in the same order.
        """
        scores: list[list[Score]] = []
        first, count = 0, 0
        for end, texts in enumerate(replies, 1):
            count += len(texts)
            if end == len(replies) or count + len(replies[end]) > _MAX_SCORED:
                scores += self._score_batch(requests[first:end], replies[first:end])
                first, count = end, 0
        return scores

    def _score_batch(self, requests: Sequence[Request], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        counts = [len(texts) for texts in replies]
        if not any(counts):
            return [[] for _ in requests]
        packer = self._model.batcher.packer
        thought_vectors = np.repeat(self._encode(requests), counts, 0)
        condition = np.repeat(self._condition_ids(requests), counts)
        response = reply_array(self._model, [text for texts in replies for text in texts])
        log_p, tokens = self._scorer.score_replies(thought_vectors, packer.pack_replies(condition, response))
        scores = [Score(*score) for score in zip(log_p.tolist(), tokens.tolist(), strict=True)]
        ends = np.cumsum(counts).tolist()
        return [scores[end - count : end] for count, end in zip(counts, ends, strict=True)]

    def is_banned(self, text: str) -> bool:
        """Returns whether a text contains a banned phrase."""
        style = self._model.style
        return self._contains_banned([style.normalise_token(token) for token in style.tokenize(text)])

    def candidates(self, requests: Sequence[Request]) -> list[list[str]]:
        """Generates candidates: for each request the distinct texts of those that are permitted, best first."""
        condition = self._condition_ids(requests)  # (requests,)
        thought_vectors = self._encode(requests)  # (requests, hidden)
        candidates = self._decode(thought_vectors, condition)  # for each request (candidates, tokens)
        if self._reranker:
            lines, context = context_arrays(self._model, [request.context for request in requests])
            context_ids = lines[context]  # (requests, context lines, tokens)
            scores = self._reranker.score(
                context_ids, thought_vectors, condition, candidates, self._options.reverse_weight, self._decoding
            )
            orders = [np.argsort(-score, kind="stable") for score in scores]
            candidates = [ids[order] for ids, order in zip(candidates, orders, strict=True)]
        return [self._permitted_texts(ids) for ids in candidates]

    def _decode(self, thought_vectors: Floats, condition: Ints) -> list[Ints]:
        """Generates candidates for each request: (candidates, tokens) ids with the start token."""
        if self._options.uses_beam_search:
            return self._beam_search.search(thought_vectors, condition, self._decoding, self._options.beams)
        candidates = 1 if self._options.samples_one else self._options.candidates
        ids = self._sampler.sample(
            np.repeat(thought_vectors, candidates, 0), np.repeat(condition, candidates), self._decoding, self._random
        )
        return np.split(np.insert(ids, 0, self._model.vocabulary.start, axis=1), len(condition))

    def _permitted_texts(self, candidates: Ints) -> list[str]:
        """Returns the distinct texts of candidates, without empty ones and those that contain a banned phrase."""
        style = self._model.style
        texts: dict[str, None] = {}
        for ids in candidates.tolist():
            tokens = self._model.vocabulary.decode(ids[1:])
            text = style.join(tokens)
            if text and not self._contains_banned([style.normalise_token(token) for token in tokens]):
                texts[text] = None
        return list(texts)

    def _contains_banned(self, tokens: Sequence[str]) -> bool:
        return any(contains_phrase(tokens, phrase) for phrase in self._banned_phrases)

    def _choose(self, candidates: list[str]) -> Reply:
        """Chooses one of the best candidates at random."""
        best = candidates[: self._options.choose_among]
        return Reply(best[self._random.integers(len(best))], candidates)

    def _encode(self, requests: Sequence[Request]) -> Floats:
        return self._encoder.encode([request.context for request in requests])

    def _condition_ids(self, requests: Sequence[Request]) -> Ints:
        return np.array([self._model.conditions.id(request.emotion) for request in requests], np.int32)
