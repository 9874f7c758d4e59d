"""Beam search: finds the most likely replies.

    log p(y | x) = sum over t of log p(y_t | y_1 .. y_{t-1}, x)

A hypothesis is the beginning of a reply. Each step expands the `beams` best hypotheses of a context by their best next
tokens, scores the results, selects the best as the new hypotheses, moves those that have ended to the finished ones,
and prunes these. The loop runs over all rows of a batch at once (the contexts), and is compiled once for any number of
rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.block_selection import top_k
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.output_layer import OutputLayer, corrected_logsumexp
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor


class BeamState(NamedTuple):
    """The state of the loop.

    Attributes:
        t: () number of tokens of each hypothesis, without the start token.
        scores: (rows, beams) log p of each hypothesis, best first.
        tokens: (rows, beams, max_tokens) ids of each hypothesis, padded.
        hidden: The hidden states of the decoder's two GRUs before the last token of each hypothesis is read,
            (rows * beams, hidden) each.
        finished_scores: (rows, beams) log p of the best finished hypotheses, best first; -inf where there is none.
        finished: (rows, beams, max_tokens) their ids, padded.
    """

    t: Tensor
    scores: Tensor
    tokens: Tensor
    hidden: tuple[Tensor, Tensor]
    finished_scores: Tensor
    finished: Tensor


class BeamSearch:
    """Searches for the most likely replies.

    Args:
        network: The network.
        output: Its output layer.
        rules: The token rules.
    """

    def __init__(self, network: Network, output: OutputLayer, rules: TokenRules) -> None:
        self._network = network
        self._output = output
        self._rules = rules
        signature = [
            tf.TensorSpec([None, network.settings.hidden]),  # thoughts
            tf.TensorSpec([None], tf.int32),  # condition
            tf.TensorSpec([], tf.int32),  # max_tokens
            tf.TensorSpec([], tf.int32),  # beams
            tf.TensorSpec([]),  # log_penalty
        ]
        self._search = tf.function(self._search_rows, input_signature=signature, autograph=False)

    def search(self, thoughts: Floats, condition: Ints, options: DecodingOptions, beams: int) -> list[Ints]:
        """Searches for replies to each row.

        Args:
            thoughts: (rows, hidden) thought vectors.
            condition: (rows,) ids of labels.
            options: The decoding options.
            beams: The beam width: number of hypotheses that are expanded at each step.

        Returns:
            For each row (replies, 1 + tokens) ids, the most likely reply first, with the start token, padded after the
            end token: the finished hypotheses, or the unfinished ones if none has finished.
        """
        beams = min(beams, len(self._rules.penalty_mask))
        final: BeamState = self._search(thoughts, condition, options.max_tokens, beams, options.log_penalty)
        unfinished, finished = final.tokens.numpy(), final.finished.numpy()
        is_finished = np.isfinite(final.finished_scores.numpy())
        return [
            np.insert(
                finished[row][is_finished[row]] if is_finished[row].any() else unfinished[row],
                0,
                self._rules.start,
                axis=1,
            )
            for row in range(len(finished))
        ]

    def _search_rows(
        self, thoughts: Tensor, condition: Tensor, max_tokens: Tensor, beams: Tensor, log_penalty: Tensor
    ) -> BeamState:
        static_input = self._network.project_static_input(thoughts, condition)
        final: BeamState
        (final,) = tf.while_loop(
            cond=lambda state: (state.t < max_tokens) & _can_improve(state),
            body=lambda state: [self._advance(state, static_input, log_penalty)],
            loop_vars=[self._first_step(static_input, max_tokens, beams, log_penalty)],
        )
        return final

    def _first_step(self, static_input: Tensor, max_tokens: Tensor, beams: Tensor, log_penalty: Tensor) -> BeamState:
        """Makes the hypotheses of one token: the best tokens after the start token."""
        rows, pad = tf.shape(static_input)[0], self._rules.pad
        zeros = tf.zeros([rows, self._network.settings.hidden])
        hidden = self._network.step(tf.fill([rows], self._rules.start), static_input, (zeros, zeros))
        scores, first = self._best_next_tokens(hidden, tf.zeros([rows, 0], tf.int32), beams, log_penalty)
        return BeamState(
            t=1,
            scores=scores,
            tokens=tf.concat([first[:, :, None], tf.fill([rows, beams, max_tokens - 1], pad)], 2),
            hidden=(tf.repeat(hidden[0], beams, axis=0), tf.repeat(hidden[1], beams, axis=0)),
            finished_scores=tf.fill([rows, beams], -np.inf),
            finished=tf.fill([rows, beams, max_tokens], pad),
        )

    def _advance(self, state: BeamState, static_input: Tensor, log_penalty: Tensor) -> BeamState:
        """Makes one step: hypotheses of t tokens -> hypotheses of t + 1 tokens."""
        t = state.t
        rows, beams, _ = tf.unstack(tf.shape(state.tokens))

        # Expand: read the last token of each hypothesis, and propose its `beams` best next tokens.
        last = tf.reshape(state.tokens[:, :, t - 1], [-1])
        hidden = self._network.step(last, tf.repeat(static_input, beams, axis=0), state.hidden)
        previous = tf.reshape(state.tokens[:, :, :t], [rows * beams, t])
        log_p, ids = self._best_next_tokens(hidden, previous, beams, log_penalty)
        log_p = tf.reshape(log_p, [rows, beams * beams])
        ids = tf.reshape(ids, [rows, beams * beams])

        # Score: log p(y_1 .. y_t | x) = log p(y_1 .. y_{t-1} | x) + log p(y_t | y_1 .. y_{t-1}, x).
        expanded_scores = tf.repeat(state.scores, beams, axis=1) + log_p
        ends = ids == self._rules.end

        # Select: the best that have not ended are the next hypotheses.
        scores, selected = tf.math.top_k(tf.where(ends, -np.inf, expanded_scores), beams)
        parents = tf.range(rows)[:, None] * beams + selected // beams  # rows of `hidden`
        parents = tf.reshape(parents, [-1])

        # Finish: those that have ended, unless they are worse than all of these.
        ends &= expanded_scores >= scores[:, -1:]
        end_scores, ending = tf.math.top_k(tf.where(ends, expanded_scores, -np.inf), beams)

        # Prune: keep the best of all finished hypotheses.
        finished = tf.concat([state.finished, _append_tokens(state, ids, ending)], 1)
        finished_scores, kept = tf.math.top_k(tf.concat([state.finished_scores, end_scores], 1), beams)
        return BeamState(
            t=t + 1,
            scores=scores,
            tokens=_append_tokens(state, ids, selected),
            hidden=(tf.gather(hidden[0], parents), tf.gather(hidden[1], parents)),
            finished_scores=finished_scores,
            finished=tf.gather(finished, kept, batch_dims=1),
        )

    def _best_next_tokens(
        self, hidden: tuple[Tensor, Tensor], previous: Tensor, beams: Tensor, log_penalty: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns the best next tokens of each hypothesis.

            log p(y_t | y_1 .. y_{t-1}, x) = l'_{y_t} - log sum over v of exp(l_v)

        The repetition penalty changes l' but not the normalisation.

        Args:
            hidden: The decoder's hidden states, (n, hidden) each.
            previous: (n, t - 1) ids of y_1 .. y_{t-1}.
            beams: Number of tokens to return for each hypothesis.
            log_penalty: () log(penalty).

        Returns:
            (n, beams) log p, best first, and (n, beams) ids.
        """
        state = hidden[1]
        logits = self._output.logits(state)
        adjusted = self._rules.apply_repetition_penalty(logits + self._rules.logit_bias, previous, log_penalty)
        # The logits may be approximate, so twice as many tokens are preselected and ranked by their exact logits.
        best, ids = top_k(adjusted, tf.minimum(2 * beams, self._network.settings.tokens))
        approximate = tf.gather(logits, ids, batch_dims=1)
        exact = self._output.exact_logits(state, ids, approximate)
        best, ranked = tf.math.top_k(best + (exact - approximate), beams)
        log_p = best - corrected_logsumexp(logits, approximate, exact)
        return log_p, tf.gather(ids, ranked, batch_dims=1)


def _append_tokens(state: BeamState, ids: Tensor, indices: Tensor) -> Tensor:
    """Appends tokens to hypotheses.

    Args:
        state: The hypotheses.
        ids: (rows, beams * beams) the proposed next tokens, `beams` of them for each hypothesis.
        indices: (rows, k) which of the proposals to use.

    Returns:
        (rows, k, max_tokens) the hypotheses with the proposed tokens at position t.
    """
    beams = tf.shape(state.tokens)[1]
    tokens = tf.gather(state.tokens, indices // beams, batch_dims=1)
    appended = tf.gather(ids, indices, batch_dims=1)[:, :, None]
    return tf.concat([tokens[:, :, : state.t], appended, tokens[:, :, state.t + 1 :]], 2)


def _can_improve(state: BeamState) -> Tensor:
    """Whether a hypothesis may still be better than the worst finished one: its score can only fall."""
    return tf.reduce_any(state.scores[:, 0] > state.finished_scores[:, -1])
