"""The network: a hierarchical recurrent encoder-decoder (HRED) with conditions, in NumPy.

HRED is by Sordoni et al. 2015, arXiv 1507.02221; the condition of the decoder is CakeChat's. For a context of M
utterances, where utterance m has the tokens w_{m,1} … w_{m,N}, and a reply y with the condition k:

    q_m = utterance_encoder(w_{m,1} … w_{m,N})             utterance encoding: last state of GRU over a two-way GRU
    s_m = GRU(s_{m-1}, q_m)                                context (session) encoder; s_M is the thought vector
    d_n = GRU(d_{n-1}, [E(y_{n-1}); s_M; C(k)])            decoder, two GRU layers
    p(y_n | y_<n, context, k) = softmax(d_n W + b)         output layer

All sequences are packed as `data.packed_sequences` describes: only real steps are stored and computed. That module also
decides whether pads are real. `settings.weight_shapes` defines the names of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import (
    Contexts,
    PackedSequences,
    Replies,
    sequence_index,
)
from autocakechat.plugins.trainers.cakechat.network.gru import GRU
from autocakechat.plugins.trainers.cakechat.network.multiplier import Multiplier
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings

States = tuple[Floats, Floats]
"""(rows, hidden) the states of the decoder's two GRUs."""


class Network:
    """The network of CakeChat.

    Args:
        settings: Its dimensions.
        weights: The weights by name. They are used as they are, not copied.
        threads: Maximum number of threads that compute a matrix product; see `Multiplier`.
    """

    def __init__(self, settings: NetworkSettings, weights: Mapping[str, Floats], threads: int = 1) -> None:
        self.settings = settings
        self.weights = weights
        self._multiplier = Multiplier(threads)
        self._utterance_forward = self._gru("utterance_encoder.forward")
        self._utterance_backward = self._gru("utterance_encoder.backward")
        self._utterance_final = self._gru("utterance_encoder.final")
        self._context_encoder = self._gru("context_encoder")
        self._decoder_0 = self._gru("decoder.0")
        self._decoder_1 = self._gru("decoder.1")

    def _gru(self, name: str) -> GRU:
        kernel, recurrent_kernel, bias = (
            self.weights[f"{name}.{part}"] for part in ("kernel", "recurrent_kernel", "bias")
        )
        return GRU(kernel, recurrent_kernel, bias, self.settings.recurrent_activation, self._multiplier)

    def encode_utterances(self, lines: PackedSequences) -> Floats:
        """The utterance encoder: a bidirectional GRU, and a GRU over its states whose last state is the encoding.

        Args:
            lines: Lines as token ids.

        Returns:
            (lines, hidden) utterance encodings q_m.
        """
        tokens = self.weights["context_embedding"][lines.values]  # (steps, embedding)
        sizes = lines.batch_sizes
        forward, _ = self._utterance_forward.scan(self._utterance_forward.project(tokens), sizes)
        backward, _ = self._utterance_backward.scan(self._utterance_backward.project(tokens), sizes, reverse=True)
        both = np.concatenate([forward, backward], axis=1)  # (steps, 2 hidden)
        return self._utterance_final.scan(self._utterance_final.project(both), sizes)[1]

    def encode_contexts(self, contexts: Contexts) -> Floats:
        """Both encoders: the context encoder is a GRU over the utterance encodings of each context.

        Args:
            contexts: Distinct lines, and the contexts that consist of them.

        Returns:
            (samples, hidden) thought vectors s_M.
        """
        encodings = self.encode_utterances(contexts.lines)  # (lines, hidden)
        line_numbers = contexts.line_numbers
        projected = self._context_encoder.project(encodings)[line_numbers.values]  # (steps, 3 hidden)
        _, thoughts = self._context_encoder.scan(projected, line_numbers.batch_sizes)
        return thoughts[contexts.unsorted_indices]

    def decode(self, thoughts: Floats, replies: Replies) -> Floats:
        """The decoder with teacher forcing: its input at each step is the true previous token.

        Args:
            thoughts: (samples, hidden) thought vectors.
            replies: The replies to the samples.

        Returns:
            (steps, hidden) states d_n, from which `logits` predicts the next token.
        """
        inputs = replies.inputs
        static_input = self.project_static_input(thoughts[replies.sorted_indices], replies.condition)
        projected = self._project_token_input(inputs.values)  # (steps, 3 hidden)
        projected += static_input[sequence_index(inputs.batch_sizes)]
        states, _ = self._decoder_0.scan(projected, inputs.batch_sizes)
        return self._decoder_1.scan(self._decoder_1.project(states), inputs.batch_sizes)[0]

    # The decoder's projected input is [E(y); s; C(k)] W + b = E(y) W_E + ([s; C(k)] W_sC + b), where W_E are the first
    # `embedding` rows of W. The second summand is the same at each step, so it is computed once per reply.

    def project_static_input(self, thoughts: Floats, condition: Ints) -> Floats:
        """The part of the decoder's projected input that does not change between steps.

        Args:
            thoughts: (replies, hidden) thought vectors.
            condition: (replies,) condition ids.

        Returns:
            (replies, 3 hidden).
        """
        static_input = np.concatenate([thoughts, self.weights["condition_embedding"][condition]], axis=1)
        kernel = self._decoder_0.kernel[self.settings.embedding :]
        return self._multiplier.multiply(static_input, kernel, self._decoder_0.bias[0])

    def _project_token_input(self, ids: Ints) -> Floats:
        """The part of the decoder's projected input that depends on the previous token: (n,) -> (n, 3 hidden)."""
        return self._multiplier.multiply(
            self.weights["response_embedding"][ids], self._decoder_0.kernel[: self.settings.embedding]
        )

    def first_states(self, rows: int) -> States:
        """Returns the states before the first step: zeros."""
        zeros = np.zeros((rows, self.settings.hidden), np.float32)
        return zeros, zeros

    def step(self, ids: Ints, static_input: Floats, states: States) -> States:
        """Decodes one step.

        Args:
            ids: (rows,) the previous tokens.
            static_input: (rows, 3 hidden) from `project_static_input`.
            states: The states before the step.

        Returns:
            The new states; `logits` of the second predicts the next token.
        """
        first = self._decoder_0.step(self._project_token_input(ids) + static_input, states[0])
        return first, self._decoder_1.step(self._decoder_1.project(first), states[1])

    def logits(self, states: Floats, tokens: int | None = None) -> Floats:
        """The output layer: (n, hidden) -> (n, tokens), a new array.

        Args:
            states: (n, hidden) states of the decoder.
            tokens: The number of tokens, by rising id; None for all.
        """
        kernel, bias = self.weights["output.kernel"], self.weights["output.bias"]
        return self._multiplier.multiply(states, kernel[:, :tokens], bias[:tokens])

    def logits_of(self, states: Floats, ids: Ints) -> Floats:
        """The output layer for one token of each state: (n, hidden), (n,) -> (n,)."""
        kernel, bias = self.weights["output.kernel"], self.weights["output.bias"]
        logits: Floats = np.einsum("nh,nh->n", states, kernel.T[ids]) + bias[ids]
        return logits
