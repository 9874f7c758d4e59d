"""The network: a hierarchical recurrent encoder-decoder (HRED) with conditions, in NumPy.

HRED is by Sordoni et al. 2015, arXiv 1507.02221; the condition of the decoder is CakeChat's. For a context of M
utterances, where utterance m has the tokens w_{m,1} … w_{m,N}, and a reply y with the condition k:

    q_m = utterance_encoder(w_{m,1} … w_{m,N})             utterance encoding: last state of GRU over a two-way GRU
    s_m = GRU(s_{m-1}, q_m)                                context (session) encoder; s_M is the thought vector
    d_n = GRU(d_{n-1}, [E(y_{n-1}); s_M; C(k)])            decoder, two GRU layers
    p(y_n | y_<n, context, k) = softmax(d_n W + b)         output layer

With `shared_embedding`, the table E also embeds the context and is the kernel of the output layer (Press and Wolf 2017,
arXiv 1608.05859); the GRUs read √d E(w), where d is the embedding dimension (as in Vaswani et al. 2017, arXiv
1706.03762). The output layer also reads the context's words, so that a word of the context, or one with a similar
embedding, becomes more likely in the reply. The same word vectors compare a reply with a context:

    v_m = Σ_n a(w_{m,n}) E(w_{m,n})                        word vector of a line; a is the learnt salience of a word
    v = Σ_m v_m                                            word vector of the context
    p(y_n | y_<n, context, k) = softmax((d_n P + c ⊙ v) Eᵀ + b)
    f(context) = (s_M F + v) / ‖s_M F + v‖                 context in the space of similarities
    g(y) = (q_y G + v_y) / ‖q_y G + v_y‖                   reply in this space
    similarity(context, y) = f(context) · g(y)

All sequences are packed as `data.packed_sequences` describes: only real steps are stored and computed. That module also
decides whether pads are real. `settings.weight_shapes` defines the names of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

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


class States(NamedTuple):
    """The states of the decoder after a step.

    Attributes:
        first: (rows, hidden) the state of the first GRU.
        second: (rows, hidden) the state of the second GRU.
        output: (rows, output size) what `logits` reads: the second state, or with `shared_embedding` d_n P + c ⊙ v.
    """

    first: Floats
    second: Floats
    output: Floats

    def rows(self, indices: Any) -> States:
        """Returns the states of some rows."""
        return States(*(part[indices] for part in self))


_SMALLEST_LENGTH = 1e-6
"""Lower bound of the length of a vector: the similarity of an empty reply is 0."""


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
        shared = settings.shared_embedding
        self._context_embedding = weights["embedding" if shared else "context_embedding"]
        self._response_embedding = weights["embedding" if shared else "response_embedding"]
        self._input_scale = np.float32(settings.input_scale)
        self._output_kernel = weights["embedding"].T if shared else weights["output.kernel"]

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
        tokens = self._input_scale * self._context_embedding[lines.values]  # (steps, embedding)
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
            (samples, thought size) thought vectors s_M, with `shared_embedding` followed by the word vectors v.
        """
        encodings = self.encode_utterances(contexts.lines)  # (lines, hidden)
        line_numbers = contexts.line_numbers
        projected = self._context_encoder.project(encodings)[line_numbers.values]  # (steps, 3 hidden)
        _, thoughts = self._context_encoder.scan(projected, line_numbers.batch_sizes)
        if self.settings.shared_embedding:
            words = self._word_vectors(contexts.lines)[line_numbers.values]
            thoughts = np.concatenate([thoughts, _summed(words, line_numbers.batch_sizes)], axis=1)
        return thoughts[contexts.unsorted_indices]

    def similarity_vectors(self, thoughts: Floats) -> Floats:
        """Returns contexts in the space of similarities; their products with `encode_replies` are the similarities.

        Args:
            thoughts: (samples, thought size) from `encode_contexts`, of a network with `shared_embedding`.

        Returns:
            (samples, embedding) f, of length 1.
        """
        hidden = self.settings.hidden
        return _unit_rows(thoughts[:, :hidden] @ self.weights["similarity.context"] + thoughts[:, hidden:])

    def encode_replies(self, lines: PackedSequences) -> Floats:
        """Returns replies in the space of similarities; see `similarity_vectors`.

        Args:
            lines: Replies as token ids, packed like context lines, without start and end tokens.

        Returns:
            (lines, embedding) g, of length 1.
        """
        encodings = self.encode_utterances(lines) @ self.weights["similarity.reply"]
        return _unit_rows(encodings + self._word_vectors(lines))

    def _word_vectors(self, lines: PackedSequences) -> Floats:
        """Returns the word vector v_m of each line: (lines, embedding)."""
        words = self._context_embedding[lines.values] * self.weights["salience"][lines.values, None]
        return _summed(words, lines.batch_sizes)

    def decode(self, thoughts: Floats, replies: Replies) -> Floats:
        """The decoder with teacher forcing: its input at each step is the true previous token.

        Args:
            thoughts: (samples, thought size) thought vectors from `encode_contexts`.
            replies: The replies to the samples.

        Returns:
            (steps, output size) from which `logits` predicts the next token: d_n, or with `shared_embedding`
            d_n P + c ⊙ v.
        """
        inputs = replies.inputs
        static_input = self.project_static_input(thoughts[replies.sorted_indices], replies.condition)
        static_input = static_input[sequence_index(inputs.batch_sizes)]
        projected = self._project_token_input(inputs.values) + self._gate_part(static_input)  # (steps, 3 hidden)
        states, _ = self._decoder_0.scan(projected, inputs.batch_sizes)
        states, _ = self._decoder_1.scan(self._decoder_1.project(states), inputs.batch_sizes)
        return self._output(states, static_input)

    # The decoder's projected input is [E(y); s; C(k)] W + b = E(y) W_E + ([s; C(k)] W_sC + b), where W_E are the first
    # `embedding` rows of W. The second summand is the same at each step, so it is computed once per reply.

    def project_static_input(self, thoughts: Floats, condition: Ints) -> Floats:
        """The part of the decoder's input that does not change between steps.

        Args:
            thoughts: (replies, thought size) thought vectors from `encode_contexts`.
            condition: (replies,) condition ids.

        Returns:
            (replies, 3 hidden) for the gates of the first GRU, with `shared_embedding` followed by c ⊙ v.
        """
        hidden = self.settings.hidden
        conditions = self.weights["condition_embedding"][condition]
        static_input = np.concatenate([thoughts[:, :hidden], conditions], axis=1)
        kernel = self._decoder_0.kernel[self.settings.embedding :]
        gates = self._multiplier.multiply(static_input, kernel, self._decoder_0.bias[0])
        if not self.settings.shared_embedding:
            return gates
        return np.concatenate([gates, thoughts[:, hidden:] * self.weights["output.context_words"]], axis=1)

    def _project_token_input(self, ids: Ints) -> Floats:
        """The part of the decoder's projected input that depends on the previous token: (n,) -> (n, 3 hidden)."""
        return self._multiplier.multiply(
            self._input_scale * self._response_embedding[ids], self._decoder_0.kernel[: self.settings.embedding]
        )

    def _gate_part(self, static_input: Floats) -> Floats:
        """Returns the part of the static input for the gates: (n, 3 hidden)."""
        return static_input[:, : 3 * self.settings.hidden]

    def _output(self, states: Floats, static_input: Floats) -> Floats:
        """Returns what `logits` reads: (n, hidden) states of the second GRU -> (n, output size)."""
        if not self.settings.shared_embedding:
            return states
        projected = self._multiplier.multiply(states, self.weights["output.projection"])
        projected += static_input[:, 3 * self.settings.hidden :]
        return projected

    def first_states(self, rows: int) -> States:
        """Returns the states before the first step: zeros."""
        zeros = np.zeros((rows, self.settings.hidden), np.float32)
        return States(zeros, zeros, zeros)

    def step(self, ids: Ints, static_input: Floats, states: States) -> States:
        """Decodes one step.

        Args:
            ids: (rows,) the previous tokens.
            static_input: (rows, static size) from `project_static_input`.
            states: The states before the step.

        Returns:
            The new states; `logits` of their output predicts the next token.
        """
        projected = self._project_token_input(ids) + self._gate_part(static_input)
        first = self._decoder_0.step(projected, states.first)
        second = self._decoder_1.step(self._decoder_1.project(first), states.second)
        return States(first, second, self._output(second, static_input))

    def logits(self, outputs: Floats, tokens: int | None = None) -> Floats:
        """The output layer: (n, output size) from `decode` or `step` -> (n, tokens), a new array.

        Args:
            outputs: (n, output size) from `decode` or `step`.
            tokens: The number of tokens, by rising id; None for all.
        """
        kernel, bias = self._output_kernel, self.weights["output.bias"]
        return self._multiplier.multiply(outputs, kernel[:, :tokens], bias[:tokens])

    def logits_of(self, outputs: Floats, ids: Ints) -> Floats:
        """The output layer for one token of each row: (n, output size), (n,) -> (n,)."""
        logits: Floats = np.einsum("nh,nh->n", outputs, self._output_kernel.T[ids]) + self.weights["output.bias"][ids]
        return logits


def _summed(packed: Floats, batch_sizes: Ints) -> Floats:
    """Sums the elements of each packed sequence: (steps, n) -> (sequences, n)."""
    total = np.zeros((batch_sizes[0], packed.shape[1]), np.float32)
    start = 0
    for size in batch_sizes:
        total[:size] += packed[start : start + size]
        start += size
    return total


def _unit_rows(rows: Floats) -> Floats:
    """Divides each row by its length."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = rows / np.maximum(lengths, _SMALLEST_LENGTH)
    return unit
