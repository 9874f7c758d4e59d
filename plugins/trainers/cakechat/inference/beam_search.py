"""Beam search: finds the most likely replies.

    log p(y | x) = sum over t of log p(y_t | y_1 .. y_{t-1}, x)

A hypothesis is the beginning of a reply. Each step expands the `beams` best hypotheses of a context by their best next
tokens, scores the results, selects the best as the new hypotheses, moves those that have ended to the finished ones,
and prunes these. The loop runs over all rows of a batch at once (the contexts).
"""

from __future__ import annotations

from typing import NamedTuple

import attrs
import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Indices, Ints
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.hred import Network, States
from autocakechat.plugins.trainers.cakechat.network.selection import log_sum_exp, row_chunks, top_k


class BeamState(NamedTuple):
    """The state of the loop.

    Attributes:
        scores: (rows, beams) log p of each hypothesis, best first.
        tokens: (rows, beams, t) ids of each hypothesis, without the start token.
        hidden: The hidden states of the decoder's two GRUs before the last token of each hypothesis is read,
            (rows * beams, hidden) each.
        finished_scores: (rows, beams) log p of the best finished hypotheses, best first; -inf where there is none.
        finished: (rows, beams, max_tokens) their ids, padded.
    """

    scores: Floats
    tokens: Ints
    hidden: States
    finished_scores: Floats
    finished: Ints


@attrs.frozen(eq=False)
class BeamSearch:
    """Searches for the most likely replies.

    Attributes:
        network: The network.
        rules: The token rules.
    """

    network: Network
    rules: TokenRules

    def search(self, thoughts: Floats, condition: Ints, options: DecodingOptions, beams: int) -> list[Ints]:
        """Searches for replies to each row.

        Args:
            thoughts: (rows, thought size) thought vectors.
            condition: (rows,) ids of labels.
            options: The decoding options.
            beams: The beam width: number of hypotheses that are expanded at each step.

        Returns:
            For each row (replies, 1 + tokens) ids, the most likely reply first, with the start token, padded after the
            end token: the finished hypotheses, or the unfinished ones if none has finished.
        """
        static_input = self.network.project_static_input(thoughts, condition)  # (rows, static size)
        state = self._first_step(static_input, options, min(beams, self.network.settings.tokens))
        static_input = np.repeat(static_input, state.scores.shape[1], axis=0)  # (rows * beams, static size)
        while state.tokens.shape[2] < options.max_tokens and _can_improve(state):
            state = self._advance(state, static_input, options.log_penalty)
        unfinished = _padded(state.tokens, options.max_tokens, self.rules.pad)
        is_finished = np.isfinite(state.finished_scores)
        return [
            np.insert(finished[kept] if kept.any() else hypotheses, 0, self.rules.start, axis=1)
            for finished, kept, hypotheses in zip(state.finished, is_finished, unfinished, strict=True)
        ]

    def _first_step(self, static_input: Floats, options: DecodingOptions, beams: int) -> BeamState:
        """Makes the hypotheses of one token: the best tokens after the start token."""
        rows = len(static_input)
        start = np.full(rows, self.rules.start)
        hidden = self.network.step(start, static_input, self.network.first_states(rows))
        scores, first = self._best_next_tokens(hidden.output, np.empty((rows, 0), np.int32), beams, options.log_penalty)
        return BeamState(
            scores=scores,
            tokens=first[:, :, None],
            hidden=hidden.rows(np.repeat(np.arange(rows), beams)),
            finished_scores=np.full((rows, beams), -np.inf, np.float32),
            finished=np.full((rows, beams, options.max_tokens), self.rules.pad, np.int32),
        )

    def _advance(self, state: BeamState, static_input: Floats, log_penalty: float) -> BeamState:
        """Makes one step: hypotheses of t tokens -> hypotheses of t + 1 tokens."""
        rows, beams, t = state.tokens.shape

        # Expand: read the last token of each hypothesis, and propose its `beams` best next tokens.
        previous = state.tokens.reshape(rows * beams, t)
        hidden = self.network.step(previous[:, -1], static_input, state.hidden)
        log_p, ids = self._best_next_tokens(hidden.output, previous, beams, log_penalty)
        ids = ids.reshape(rows, beams * beams)

        # Score: log p(y_1 .. y_t | x) = log p(y_1 .. y_{t-1} | x) + log p(y_t | y_1 .. y_{t-1}, x).
        expanded_scores = np.repeat(state.scores, beams, axis=1) + log_p.reshape(rows, beams * beams)
        ends = ids == self.rules.end

        # Select: the best that have not ended are the next hypotheses.
        scores, selected = _best(np.where(ends, -np.inf, expanded_scores), beams)
        parents = (np.arange(rows)[:, None] * beams + selected // beams).reshape(-1)  # rows of `hidden`

        # Finish: those that have ended, unless they are worse than all of these.
        ends &= expanded_scores >= scores[:, -1:]
        end_scores, ending = _best(np.where(ends, expanded_scores, -np.inf), beams)
        ended = _padded(_append_tokens(state.tokens, ids, ending), state.finished.shape[2], self.rules.pad)

        # Prune: keep the best of all finished hypotheses.
        finished_scores, kept = _best(np.concatenate([state.finished_scores, end_scores], axis=1), beams)
        finished = np.take_along_axis(np.concatenate([state.finished, ended], axis=1), kept[:, :, None], axis=1)
        return BeamState(
            scores=scores,
            tokens=_append_tokens(state.tokens, ids, selected),
            hidden=hidden.rows(parents),
            finished_scores=finished_scores,
            finished=finished,
        )

    def _best_next_tokens(self, outputs: Floats, previous: Ints, beams: int, log_penalty: float) -> tuple[Floats, Ints]:
        """Returns the best next tokens of each hypothesis.

            log p(y_t | y_1 .. y_{t-1}, x) = l'_{y_t} - log sum over v of exp(l_v)

        The repetition penalty changes l' but not the normalisation.

        Args:
            outputs: (n, output size) what the output layer reads.
            previous: (n, t - 1) ids of y_1 .. y_{t-1}.
            beams: Number of tokens to return for each hypothesis.
            log_penalty: log(penalty).

        Returns:
            (n, beams) log p, best first, and (n, beams) ids.
        """
        log_p, ids = np.empty((len(outputs), beams), np.float32), np.empty((len(outputs), beams), np.int32)
        for rows in row_chunks(len(outputs), self.network.settings.tokens):
            logits = self.network.logits(outputs[rows])  # (n, vocabulary)
            normaliser = log_sum_exp(logits)
            self.rules.apply(logits, previous[rows], log_penalty)
            best, ids[rows] = top_k(logits, beams)
            log_p[rows] = best - normaliser[:, None]
        return log_p, ids


def _best(scores: Floats, number: int) -> tuple[Floats, Indices]:
    """Returns the best scores of each row, best first, and their indices: (rows, n) -> (rows, number) each."""
    indices = np.argsort(-scores, axis=1, kind="stable")[:, :number]
    return np.take_along_axis(scores, indices, axis=1), indices


def _append_tokens(tokens: Ints, ids: Ints, indices: Indices) -> Ints:
    """Appends tokens to hypotheses.

    Args:
        tokens: (rows, beams, t) the hypotheses.
        ids: (rows, beams * beams) the proposed next tokens, `beams` of them for each hypothesis.
        indices: (rows, k) which of the proposals to use.

    Returns:
        (rows, k, t + 1) the hypotheses with the proposed tokens.
    """
    hypotheses = np.take_along_axis(tokens, indices[:, :, None] // tokens.shape[1], axis=1)
    return np.concatenate([hypotheses, np.take_along_axis(ids, indices, axis=1)[:, :, None]], axis=2)


def _padded(tokens: Ints, width: int, pad: int) -> Ints:
    """Pads hypotheses: (rows, k, t) -> (rows, k, width)."""
    return np.pad(tokens, ((0, 0), (0, 0), (0, width - tokens.shape[2])), constant_values=pad)


def _can_improve(state: BeamState) -> bool:
    """Whether a hypothesis may still be better than the worst finished one: its score can only fall."""
    return bool((state.scores[:, 0] > state.finished_scores[:, -1]).any())
