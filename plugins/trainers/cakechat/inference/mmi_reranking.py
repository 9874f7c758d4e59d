"""Reranks candidates by maximum mutual information (Li et al. 2016, arXiv 1510.03055).

With context x, reply y and weight lambda, the paper's MMI-bidi objective is

    y* = argmax over y of (1 - lambda) log p(y | x) + lambda log p(x | y)

The candidates y are generated with p(y | x) by sampling or beam search. p(x | y) is the probability that a reverse
model gives; the reverse model is trained on the same pairs with the last line of the context and the reply swapped. As
in CakeChat, repetitions are penalised:

    score(y) = (1 - lambda) log p(y | x) + lambda log p(x | y) - log(penalty) * number of repeated tokens

The default of lambda (`reply.reverse_weight`) is 1, as in CakeChat: log p(y | x) is ignored, except that the candidates
are generated with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Packer
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer


def swap_context_and_response(context: Ints, response: Ints, rules: TokenRules, packer: Packer) -> tuple[Ints, Ints]:
    """Makes the inputs of the reverse model: swaps the last line of each context and the response.

    Args:
        context: (samples, context lines, tokens) ids.
        response: (samples, response tokens) ids.
        rules: The service tokens.
        packer: Truncates lines that are too long for a context.

    Returns:
        (samples, context lines, tokens) ids of the new contexts, wider than the old ones if a response does not fit;
        and (samples, tokens + 2) ids of the new responses, which always have their start and end tokens.
    """
    samples, _, width = context.shape
    new_lines = [packer.truncate(_remove_service_tokens(ids, rules)) for ids in response]
    extra_width = max(0, max(map(len, new_lines), default=0) - width)
    new_context = np.pad(context, ((0, 0), (0, 0), (0, extra_width)), constant_values=rules.pad)
    new_response = np.full((samples, width + 2), rules.pad, np.int32)
    for sample, new_line in enumerate(new_lines):
        old_line = _remove_padding(context[sample, -1], rules.pad)
        new_response[sample, : len(old_line) + 2] = [rules.start, *old_line, rules.end]
        new_context[sample, -1] = rules.pad
        new_context[sample, -1, : len(new_line)] = new_line
    return new_context, new_response


class Reranker:
    """Scores candidates with a model and its reverse model.

    Args:
        forward: Computes log p(y | x).
        reverse: Computes log p(x | y).
        rules: The token rules of both models.
        packer: Makes the input arrays of both models.
    """

    def __init__(self, forward: Scorer, reverse: Scorer, rules: TokenRules, packer: Packer) -> None:
        self._forward = forward
        self._reverse = reverse
        self._rules = rules
        self._packer = packer

    def score(
        self,
        context: Ints,
        thought_vectors: Floats,
        condition: Ints,
        candidates: Sequence[Ints],
        reverse_weight: float,
        options: DecodingOptions,
    ) -> list[Floats]:
        """Scores candidates.

        Args:
            context: (samples, context lines, tokens) ids.
            thought_vectors: (samples, hidden) the thought vectors of the forward model.
            condition: (samples,) ids of labels.
            candidates: For each sample (candidates, tokens) ids with the start token.
            reverse_weight: lambda, from 0 to 1.
            options: The decoding options; only the repetition penalty is used.

        Returns:
            For each sample (candidates,) scores.
        """
        counts = [len(ids) for ids in candidates]
        sample = np.repeat(np.arange(len(candidates)), counts)  # (all candidates,) the sample of each
        replies = self._concatenate(candidates)
        scores = -options.log_penalty * self._count_repetitions(replies)
        if reverse_weight < 1.0:
            packed = self._packer.pack_replies(condition[sample], replies)
            log_p, _ = self._forward.score_replies(thought_vectors[sample], packed)
            scores += (1.0 - reverse_weight) * log_p
        if reverse_weight > 0.0:
            new_context, new_response = swap_context_and_response(context[sample], replies, self._rules, self._packer)
            contexts = self._packer.pack_context_ids(new_context)
            log_p, _ = self._reverse.score(self._packer.pack_batch(contexts, condition[sample], new_response))
            scores += reverse_weight * log_p
        return np.split(scores, np.cumsum(counts)[:-1])

    def _concatenate(self, candidates: Sequence[Ints]) -> Ints:
        """Concatenates the candidates of all samples, padded to the same number of tokens."""
        width = max(ids.shape[1] for ids in candidates)
        return np.concatenate(
            [np.pad(ids, ((0, 0), (0, width - ids.shape[1])), constant_values=self._rules.pad) for ids in candidates]
        )

    def _count_repetitions(self, replies: Ints) -> Floats:
        """Counts, for each reply, the penalised tokens that repeat an earlier one: (replies,)."""
        mask, pad = self._rules.penalty_mask, self._rules.pad
        repetitions = []
        for ids in replies.tolist():
            penalised = [token for token in ids if mask[token] and token != pad]
            repetitions.append(len(penalised) - len(set(penalised)))
        return np.array(repetitions, np.float32)


def _remove_service_tokens(ids: Ints, rules: TokenRules) -> list[int]:
    return [token for token in _remove_padding(ids, rules.pad) if token not in (rules.start, rules.end)]


def _remove_padding(ids: Ints, pad: int) -> list[int]:
    """Removes the pad tokens at the end."""
    positions = np.flatnonzero(ids != pad)
    return ids[: positions[-1] + 1].tolist() if len(positions) else []
