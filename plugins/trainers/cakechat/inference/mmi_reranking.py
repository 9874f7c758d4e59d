"""Choosing among candidates by maximum mutual information (Li et al. 2016, arXiv 1510.03055).

    score = (1 - w) log p(answer | context) + w log p(context | answer) - log(penalty) repeated tokens

The second probability comes from a reverse model, which was taught the last line of the context as its answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Packer
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.scorer import Scorer


def swap_context_and_response(context: Ints, response: Ints, words: TokenRules, packer: Packer) -> tuple[Ints, Ints]:
    """Makes what the reverse model reads: the last line of the context and the answer change places.

    Args:
        context: (samples, context lines, tokens) ids.
        response: (samples, tokens) ids.
        words: Ids of service tokens.
        packer: Knows where long lines are cut.

    Returns:
        The new contexts, wider where an answer is longer than every line of the context; and the new answers, which
        keep their end token, even if they have to be cut for it.
    """
    said = [packer.truncate(_words_of(answer, words)) for answer in response]
    room = max(map(len, said), default=0) - context.shape[2]
    answers = np.full((len(response), context.shape[2] + 2), words.pad, np.int32)
    context = np.pad(context, ((0, 0), (0, 0), (0, max(0, room))), constant_values=words.pad)
    for lines, answer, new_last in zip(context, answers, said, strict=True):
        asked = _without_pads(lines[-1], words.pad)
        answer[: len(asked) + 2] = [words.start, *asked, words.end]
        lines[-1] = words.pad
        lines[-1, : len(new_last)] = new_last
    return context, answers


class Reranker:
    """Scores candidates with a model and its reverse model.

    Args:
        scorer: Tells how likely answers are.
        reverse: Tells how likely contexts are.
        words: What is known of the tokens of both.
        packer: Makes arrays for both.
    """

    def __init__(self, scorer: Scorer, reverse: Scorer, words: TokenRules, packer: Packer) -> None:
        self._scorer = scorer
        self._reverse = reverse
        self._words = words
        self._packer = packer

    def score(
        self,
        context: Ints,
        thoughts: Floats,
        condition: Ints,
        candidates: Sequence[Ints],
        weight: float,
        rules: DecodingOptions,
    ) -> list[Floats]:
        """Scores candidates.

        Args:
            context: (samples, context lines, tokens) ids.
            thoughts: (samples, hidden) what the model, not the reverse model, thinks of it.
            condition: (samples,) ids of labels.
            candidates: For each sample (candidates, tokens) ids, the start token first.
            weight: That of the reverse model, from 0 to 1.
            rules: For the penalty.

        Returns:
            For each sample (candidates,) scores.
        """
        numbers = [len(found) for found in candidates]
        of = np.repeat(np.arange(len(candidates)), numbers)
        width = max(found.shape[1] for found in candidates)
        answers = np.concatenate(
            [
                np.pad(found, ((0, 0), (0, width - found.shape[1])), constant_values=self._words.pad)
                for found in candidates
            ]
        )
        scores = -rules.penalty * self._repeated(answers)
        if weight < 1.0:
            packed = self._packer.pack_replies(condition[of], answers)
            scores += (1.0 - weight) * self._scorer.score_replies(thoughts[of], packed)[0]
        if weight > 0.0:
            turned, asked = swap_context_and_response(context[of], answers, self._words, self._packer)
            batch = self._packer.pack_batch(self._packer.pack_context_ids(turned), condition[of], asked)
            scores += weight * self._reverse.score(batch)[0]
        return np.split(scores, np.cumsum(numbers)[:-1])

    def _repeated(self, answers: Ints) -> Floats:
        """Returns how many tokens of each answer were said before in it."""
        counted = [
            [token for token in answer if self._words.penalty_mask[token] and token != self._words.pad]
            for answer in answers.tolist()
        ]
        return np.array([len(tokens) - len(set(tokens)) for tokens in counted], np.float32)


def _words_of(answer: Ints, words: TokenRules) -> list[int]:
    return [token for token in _without_pads(answer, words.pad) if token not in (words.start, words.end)]


def _without_pads(line: Ints, pad: int) -> list[int]:
    real = np.flatnonzero(line != pad)
    return line[: real[-1] + 1].tolist() if len(real) else []
