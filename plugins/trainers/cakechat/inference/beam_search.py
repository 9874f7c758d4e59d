"""Looking for the most likely answers: a loop that asks the network for one token after the other.

All conversations, and all beams of each, go through it side by side, and it is compiled once for any number of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.block_selection import top_k
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.output_layer import OutputLayer, corrected_logsumexp
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor

_IDS = tf.TensorSpec([None], tf.int32)
_INTEGER, _NUMBER = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)


class BeamSearch:
    """Looks for the most likely answers.

    Args:
        network: What is asked.
        output: Its output layer.
        words: What is known of its tokens.
    """

    def __init__(self, network: Network, output: OutputLayer, words: TokenRules) -> None:
        self._network = network
        self._output = output
        self._words = words
        thoughts = tf.TensorSpec([None, network.settings.hidden])
        signature = [thoughts, _IDS, _INTEGER, _INTEGER, _NUMBER]
        self._search = tf.function(self._search_rows, input_signature=signature, autograph=False)

    def search(self, thoughts: Floats, condition: Ints, rules: DecodingOptions, beams: int) -> list[Ints]:
        """Looks for answers to each row.

        Args:
            thoughts: (rows, hidden) thought vectors.
            condition: (rows,) ids of labels.
            rules: What holds for the answers.
            beams: How many are followed side by side.

        Returns:
            For each row (found, 1 + tokens) ids, the start token first, after the end token padded, the most likely
            first: those that have ended, or all if none has.
        """
        beams = min(beams, len(self._words.penalty_mask))
        found, scores, going_on = (
            tensor.numpy() for tensor in self._search(thoughts, condition, rules.max_tokens, beams, rules.penalty)
        )
        done = np.isfinite(scores)
        return [
            np.insert(found[row][done[row]] if done[row].any() else going_on[row], 0, self._words.start, axis=1)
            for row in range(len(found))
        ]

    def _search_rows(
        self, thoughts: Tensor, condition: Tensor, max_tokens: Tensor, beams: Tensor, penalty: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        network, output, words = self._network, self._output, self._words
        finalists = tf.minimum(2 * beams, network.settings.tokens)
        rows = tf.size(condition)
        steady = network.project_static_input(thoughts, condition)

        def offers(states: tuple[Tensor, Tensor], said: Tensor) -> tuple[Tensor, Tensor]:
            """The best next tokens of each beam: log p and ids, (beams of all rows, beams)."""
            logits = output.logits(states[1])
            # Twice as many as asked for: logits may be a little off, those that may be among the best are put right.
            best, ids = top_k(words.apply_repetition_penalty(logits + words.logit_bias, said, penalty), finalists)
            rough = tf.gather(logits, ids, batch_dims=1)
            exact = output.exact_logits(states[1], ids, rough)
            best, places = tf.math.top_k(best + (exact - rough), beams)
            return best - corrected_logsumexp(logits, rough, exact), tf.gather(ids, places, batch_dims=1)

        def body(
            t: Tensor,
            scores: Tensor,
            said: Tensor,
            states: tuple[Tensor, Tensor],
            done_scores: Tensor,
            done: Tensor,
        ) -> tuple[Any, ...]:
            last = tf.reshape(said[:, :, t - 1], [-1])
            states = network.step(last, tf.repeat(steady, beams, axis=0), states)
            before = tf.reshape(said[:, :, :t], [rows * beams, t])
            log_p, ids = (tf.reshape(offer, [rows, beams * beams]) for offer in offers(states, before))
            total = tf.repeat(scores, beams, axis=1) + log_p
            ends = ids == words.end

            going_on, places = tf.math.top_k(tf.where(ends, -np.inf, total), beams)
            ends &= total >= going_on[:, -1:]
            ending, end_places = tf.math.top_k(tf.where(ends, total, -np.inf), beams)

            def longer(places: Tensor) -> Tensor:
                before = tf.gather(said, places // beams, batch_dims=1)
                token = tf.gather(ids, places, batch_dims=1)[:, :, None]
                return tf.concat([before[:, :, :t], token, before[:, :, t + 1 :]], 2)

            done_scores, kept = tf.math.top_k(tf.concat([done_scores, ending], 1), beams)
            done = tf.gather(tf.concat([done, longer(end_places)], 1), kept, batch_dims=1)
            parents = tf.reshape(tf.range(rows)[:, None] * beams + places // beams, [-1])
            said = longer(places)
            states = tuple(tf.gather(state, parents) for state in states)
            return t + 1, going_on, said, states, done_scores, done

        def worth_going_on(t: Tensor, scores: Tensor, *carried: Any) -> Tensor:
            """Whether any beam can still become better than the worst that is kept: scores only fall."""
            return (t < max_tokens) & tf.reduce_any(scores[:, 0] > carried[-2][:, -1])

        states = (tf.zeros([rows, network.settings.hidden]),) * 2
        states = network.step(tf.fill([rows], words.start), steady, states)
        scores, first = offers(states, tf.zeros([rows, 0], tf.int32))
        said = tf.concat([first[:, :, None], tf.fill([rows, beams, max_tokens - 1], words.pad)], 2)
        states = tuple(tf.repeat(state, beams, axis=0) for state in states)
        nothing = tf.fill([rows, beams], -np.inf)
        start = (1, scores, said, states, nothing, tf.fill([rows, beams, max_tokens], words.pad))
        _, _, said, _, done_scores, done = tf.while_loop(worth_going_on, body, start)
        return done, done_scores, said
