"""Sampling: draws each token of a reply from the distribution of the decoder.

    y_t ~ softmax(l'_t / T),  where l_t are the decoder's logits, l' the logits after the repetition penalty

The loop runs over all rows of a batch at once (the candidates of all requests), and is compiled once for any number of
rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.block_selection import sample_categorical
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.output_layer import OutputLayer
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor


class SamplerInputs(NamedTuple):
    """The tensors that do not change during the loop.

    Attributes:
        static_input: (rows, 3 hidden) the part of the decoder's projected input that is the same at each step.
        uniform: (max_tokens, rows) uniform random numbers, one for each token of each row.
        temperature: () T.
        log_penalty: () log(penalty).
    """

    static_input: Tensor
    uniform: Tensor
    temperature: Tensor
    log_penalty: Tensor


class SamplerState(NamedTuple):
    """The state of the loop. A row is active until its end token or a pad token is drawn.

    Attributes:
        t: () number of tokens drawn so far.
        active_rows: (n,) indices of the n active rows.
        last: (n,) the token that each active row drew last.
        hidden: The hidden states of the decoder's two GRUs for the active rows, (n, hidden) each.
        replies: (rows, max_tokens) ids, padded.
    """

    t: Tensor
    active_rows: Tensor
    last: Tensor
    hidden: tuple[Tensor, Tensor]
    replies: Tensor


class Sampler:
    """Samples replies.

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
            tf.TensorSpec([2], tf.int32),  # seed
            tf.TensorSpec([], tf.int32),  # max_tokens
            tf.TensorSpec([]),  # temperature
            tf.TensorSpec([]),  # log_penalty
        ]
        self._sample = tf.function(self._sample_rows, input_signature=signature, autograph=False)

    def sample(self, thoughts: Floats, condition: Ints, options: DecodingOptions, seed: Sequence[int]) -> Ints:
        """Samples a reply for each row.

        Args:
            thoughts: (rows, hidden) thought vectors.
            condition: (rows,) ids of labels.
            options: The decoding options.
            seed: Two integers. The same seed and the same rows give the same replies.

        Returns:
            (rows, tokens) ids without the start token, padded after the end token.
        """
        replies: Tensor = self._sample(
            thoughts,
            condition,
            np.array(seed, np.int32),
            options.max_tokens,
            options.temperature,
            options.log_penalty,
        )
        return replies.numpy()  # type: ignore[no-any-return]

    def _sample_rows(
        self,
        thoughts: Tensor,
        condition: Tensor,
        seed: Tensor,
        max_tokens: Tensor,
        temperature: Tensor,
        log_penalty: Tensor,
    ) -> Tensor:
        rows = tf.size(condition)
        inputs = SamplerInputs(
            static_input=self._network.project_static_input(thoughts, condition),
            # Each row has its own random numbers, so a reply does not depend on when the other replies end.
            uniform=tf.random.stateless_uniform([max_tokens, rows], seed),
            temperature=temperature,
            log_penalty=log_penalty,
        )
        hidden = self._network.settings.hidden
        start = SamplerState(
            t=0,
            active_rows=tf.range(rows),
            last=tf.fill([rows], self._rules.start),
            hidden=(tf.zeros([rows, hidden]), tf.zeros([rows, hidden])),
            replies=tf.fill([rows, max_tokens], self._rules.pad),
        )
        rows_shape, hidden_shape = tf.TensorShape([None]), tf.TensorShape([None, hidden])
        shapes = SamplerState(
            t=tf.TensorShape([]),
            active_rows=rows_shape,
            last=rows_shape,
            hidden=(hidden_shape, hidden_shape),
            replies=tf.TensorShape([None, None]),
        )
        (final,) = tf.while_loop(
            cond=lambda state: tf.size(state.active_rows) > 0,
            body=lambda state: [self._sample_token(state, inputs)],
            loop_vars=[start],
            shape_invariants=[shapes],
            maximum_iterations=max_tokens,
        )
        return final.replies

    def _sample_token(self, state: SamplerState, inputs: SamplerInputs) -> SamplerState:
        """Draws the next token of each active row."""
        t, active_rows, rules = state.t, state.active_rows, self._rules
        hidden = self._network.step(state.last, tf.gather(inputs.static_input, active_rows), state.hidden)
        logits = self._output.logits(hidden[1]) / inputs.temperature + rules.logit_bias
        # Division of a probability by penalty^(1/T) is a subtraction of log(penalty) / T from its logit.
        previous = tf.gather(state.replies, active_rows)[:, :t]
        logits = rules.apply_repetition_penalty(logits, previous, inputs.log_penalty / inputs.temperature)
        tokens = sample_categorical(tf.nn.softmax(logits), tf.gather(inputs.uniform[t], active_rows))

        cells = tf.stack([active_rows, tf.fill(tf.shape(active_rows), t)], 1)
        replies = tf.tensor_scatter_nd_update(state.replies, cells, tokens)
        # (m,) positions in `active_rows` of the rows whose replies have not ended.
        unfinished = tf.where((tokens != rules.end) & (tokens != rules.pad))[:, 0]
        return SamplerState(
            t=t + 1,
            active_rows=tf.gather(active_rows, unfinished),
            last=tf.gather(tokens, unfinished),
            hidden=(tf.gather(hidden[0], unfinished), tf.gather(hidden[1], unfinished)),
            replies=replies,
        )
