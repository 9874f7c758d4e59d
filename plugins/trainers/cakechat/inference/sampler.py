"""Sampling: draws each token of a reply from the distribution of the decoder.

    y_t ~ softmax(l'_t / T),  where l_t are the decoder's logits, l' the logits after the repetition penalty

The loop runs over all rows of a batch at once (the candidates of all requests).
"""

from __future__ import annotations

import attrs
import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.inference.token_rules import DecodingOptions, TokenRules
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.selection import exponentials, row_chunks, sample_categorical


@attrs.frozen(eq=False)
class Sampler:
    """Samples replies.

    Attributes:
        network: The network.
        rules: The token rules.
    """

    network: Network
    rules: TokenRules

    def sample(self, thoughts: Floats, condition: Ints, options: DecodingOptions, random: np.random.Generator) -> Ints:
        """Samples a reply for each row.

        Args:
            thoughts: (rows, thought size) thought vectors.
            condition: (rows,) ids of labels.
            options: The decoding options.
            random: The random numbers. The same numbers and the same rows give the same replies.

        Returns:
            (rows, tokens) ids without the start token, padded after the end token.
        """
        rules, rows = self.rules, len(condition)
        # Each row has its own random numbers, so a reply does not depend on when the other replies end.
        uniforms = random.random((options.max_tokens, rows), np.float32)
        static_input = self.network.project_static_input(thoughts, condition)  # (rows, static size)
        replies = np.full((rows, options.max_tokens), rules.pad, np.int32)
        active = np.arange(rows)  # (n,) the rows without an end token or a pad token
        last = np.full(rows, rules.start)  # (n,) the token that each active row drew last
        states = self.network.first_states(rows)
        for t in range(options.max_tokens):
            states = self.network.step(last, static_input[active], states)
            last = self._draw(states.output, replies[active, :t], uniforms[t, active], options)
            replies[active, t] = last
            unfinished = (last != rules.end) & (last != rules.pad)
            active, last = active[unfinished], last[unfinished]
            states = states.rows(unfinished)
            if not len(active):
                break
        return replies

    def _draw(self, outputs: Floats, previous: Ints, uniforms: Floats, options: DecodingOptions) -> Ints:
        """Draws the next token of each row.

        Args:
            outputs: (n, output size) what the output layer reads.
            previous: (n, t - 1) ids of y_1 .. y_{t-1}.
            uniforms: (n,) random numbers in [0, 1).
            options: The decoding options.

        Returns:
            (n,) ids.
        """
        tokens = np.empty(len(outputs), np.int32)
        sampled = self.rules.sampled
        for rows in row_chunks(len(outputs), sampled or self.network.settings.tokens):
            logits = self.network.logits(outputs[rows], sampled)  # (n, tokens)
            # Before the division by T: the probability of a used token is divided by penalty^(1/T).
            self.rules.apply(logits, previous[rows], options.log_penalty)
            tokens[rows] = sample_categorical(exponentials(logits, options.temperature), uniforms[rows])
        return tokens
