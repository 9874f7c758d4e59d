"""Drawing answers: a loop that asks the network for one token after the other.

All conversations, and all candidates of each, go through it side by side, and it is compiled once for any number of
them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.block_selection import sample_categorical
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.output_layer import OutputLayer
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor

_IDS = tf.TensorSpec([None], tf.int32)
_INTEGER, _NUMBER = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)


class Sampler:
    """Draws answers, each token from the probabilities that the network gives.

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
        signature = [thoughts, _IDS, tf.TensorSpec([2], tf.int32), _INTEGER, _NUMBER, _NUMBER]
        self._draw = tf.function(self._draw_rows, input_signature=signature, autograph=False)

    def draw(self, thoughts: Floats, condition: Ints, rules: DecodingOptions, seed: Sequence[int]) -> Ints:
        """Draws an answer for each row.

        Args:
            thoughts: (rows, hidden) thought vectors.
            condition: (rows,) ids of labels.
            rules: What holds for the answers.
            seed: Two integers. The same seed gives the same answers to the same rows.

        Returns:
            (rows, tokens) ids, after the end token padded.
        """
        drawn: Tensor = self._draw(
            thoughts, condition, np.array(seed, np.int32), rules.max_tokens, rules.temperature, rules.penalty
        )
        return drawn.numpy()  # type: ignore[no-any-return]

    def _draw_rows(
        self,
        thoughts: Tensor,
        condition: Tensor,
        seed: Tensor,
        max_tokens: Tensor,
        temperature: Tensor,
        penalty: Tensor,
    ) -> Tensor:
        network, words = self._network, self._words
        steady = network.project_static_input(thoughts, condition)
        rows = tf.size(condition)
        # Each row has its own chances, so what it says does not depend on the others.
        chances = tf.random.stateless_uniform([max_tokens, rows], seed)

        def body(
            t: Tensor, going: Tensor, last: Tensor, states: tuple[Tensor, Tensor], said: Tensor
        ) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor], Tensor]:
            """Draws a token for each row that is still going."""
            states = network.step(last, tf.gather(steady, going), states)
            logits = self._output.logits(states[1]) / temperature + words.logit_bias
            # Dividing a probability by penalty^(1/T) is subtracting log(penalty) / T.
            logits = words.apply_repetition_penalty(logits, tf.gather(said, going)[:, :t], penalty / temperature)
            drawn = sample_categorical(tf.nn.softmax(logits), tf.gather(chances[t], going))
            said = tf.tensor_scatter_nd_update(said, tf.stack([going, tf.fill(tf.shape(going), t)], 1), drawn)
            still = tf.where((drawn != words.end) & (drawn != words.pad))[:, 0]
            states = tuple(tf.gather(state, still) for state in states)
            return t + 1, tf.gather(going, still), tf.gather(drawn, still), states, said

        start = (
            0,
            tf.range(rows),
            tf.fill([rows], words.start),
            (tf.zeros([rows, network.settings.hidden]),) * 2,
            tf.fill([rows, max_tokens], words.pad),
        )
        state = tf.TensorShape([None, network.settings.hidden])
        *_, said = tf.while_loop(
            lambda _, going, *__: tf.size(going) > 0,
            body,
            start,
            shape_invariants=(*map(tf.TensorShape, ([], [None], [None])), (state, state), tf.TensorShape([None, None])),
            maximum_iterations=max_tokens,
        )
        return said
