"""The HRED network in TensorFlow. `network.hred` has its equations, and computes the same in NumPy."""

from __future__ import annotations

from typing import Any

from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings
from autocakechat.plugins.trainers.cakechat.training_network import packed_gru
from autocakechat.plugins.trainers.cakechat.training_network.backend import keras
from autocakechat.plugins.trainers.cakechat.training_network.layers import (
    GRU,
    ContextWords,
    Embedding,
    Initializers,
)
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision, Tensor, matmul

ops = keras.ops


class TrainableNetwork(keras.layers.Layer):  # type: ignore[misc]
    """The network of CakeChat, with weights that are trained.

    Args:
        settings: Its dimensions.
        seed: Seed of the initial weights; None if weights are loaded later.
        precision: Number format of the factors of matrix products.
    """

    def __init__(self, settings: NetworkSettings, seed: int | None, precision: Precision = "float32") -> None:
        super().__init__()
        self.settings = settings
        self.precision: Precision = precision
        initializers = Initializers(seed)
        embedding, hidden = settings.embedding, settings.hidden
        if settings.shared_embedding:
            self.context_embedding = Embedding(settings.tokens, embedding, initializers, embedding**-0.5)
            self.response_embedding = self.context_embedding
        else:
            self.context_embedding = Embedding(settings.tokens, embedding, initializers)
            self.response_embedding = Embedding(settings.tokens, embedding, initializers)
        self.condition_embedding = Embedding(settings.conditions, settings.condition_embedding, initializers)

        def gru(inputs: int) -> GRU:
            return GRU(inputs, hidden, settings.recurrent_activation, precision, initializers)

        self.utterance_forward = gru(embedding)
        self.utterance_backward = gru(embedding)
        self.utterance_final = gru(2 * hidden)
        self.context_encoder = gru(hidden)
        self.decoder_0 = gru(embedding + hidden + settings.condition_embedding)
        self.decoder_1 = gru(hidden)
        if settings.shared_embedding:
            self.words = ContextWords(settings, initializers)
        else:
            self._output_kernel = self.add_weight(
                shape=(hidden, settings.tokens), initializer=initializers.glorot(), name="kernel"
            )
        self.output_bias = self.add_weight(shape=(settings.tokens,), initializer="zeros", name="bias")
        self.built = True

    def named_weights(self) -> dict[str, Any]:
        """Returns the weights by their names in a model folder; see `settings.weight_shapes`."""
        grus = {
            "utterance_encoder.forward": self.utterance_forward,
            "utterance_encoder.backward": self.utterance_backward,
            "utterance_encoder.final": self.utterance_final,
            "context_encoder": self.context_encoder,
            "decoder.0": self.decoder_0,
            "decoder.1": self.decoder_1,
        }
        if self.settings.shared_embedding:
            weights = {"embedding": self.context_embedding.embeddings}
        else:
            weights = {
                "context_embedding": self.context_embedding.embeddings,
                "response_embedding": self.response_embedding.embeddings,
            }
        weights["condition_embedding"] = self.condition_embedding.embeddings
        for name, gru in grus.items():
            weights |= {
                f"{name}.kernel": gru.kernel,
                f"{name}.recurrent_kernel": gru.recurrent_kernel,
                f"{name}.bias": gru.bias,
            }
        shared = self.settings.shared_embedding
        weights |= self.words.named_weights() if shared else {"output.kernel": self._output_kernel}
        return weights | {"output.bias": self.output_bias}

    @property
    def output_kernel(self) -> Tensor:
        """The kernel of the output layer: (output size, tokens)."""
        if self.settings.shared_embedding:
            return ops.transpose(self.context_embedding.embeddings)
        return self._output_kernel

    def encode_lines(self, ids: Tensor, batch_sizes: Tensor) -> Tensor:
        """Encodes packed lines: utterance encodings q_m, with `shared_embedding` followed by the word vectors v_m.

        Args:
            ids: (steps,) token ids of packed lines.
            batch_sizes: (time,) number of lines that have a token at each time.

        Returns:
            (lines, thought size).
        """
        encodings = self.encode_utterances(ids, batch_sizes)
        if not self.settings.shared_embedding:
            return encodings
        words = self.context_embedding(ids) * ops.take(self.words.salience, ids, axis=0)[:, None]
        return ops.concatenate([encodings, packed_gru.summed(words, batch_sizes)], axis=-1)

    def encode_utterances(self, ids: Tensor, batch_sizes: Tensor) -> Tensor:
        """The utterance encoder: a bidirectional GRU, and a GRU over its states whose last state is the encoding.

        Args:
            ids: (steps,) token ids of packed lines.
            batch_sizes: (time,) number of lines that have a token at each time.

        Returns:
            (lines, hidden) utterance encodings q_m.
        """
        tokens = self.settings.input_scale * self.context_embedding(ids)  # (steps, embedding)
        forward, _ = self.utterance_forward.scan(self.utterance_forward.project(tokens), batch_sizes)
        backward, _ = self.utterance_backward.scan(self.utterance_backward.project(tokens), batch_sizes, reverse=True)
        states = ops.concatenate([forward, backward], axis=-1)  # (steps, 2 hidden)
        return self.utterance_final.scan(self.utterance_final.project(states), batch_sizes)[1]

    def encode_contexts(self, lines: Tensor, line_numbers: Tensor, batch_sizes: Tensor) -> Tensor:
        """The context encoder: a GRU over the utterance encodings of each context.

        Args:
            lines: (lines, thought size) from `encode_lines`.
            line_numbers: (steps,) rows of `lines`, as packed contexts, oldest line first.
            batch_sizes: (context lines,) number of contexts that have a line at each position.

        Returns:
            (contexts, thought size) thought vectors s_M, with `shared_embedding` followed by the word vectors v.
        """
        hidden = self.settings.hidden
        projected = ops.take(self.context_encoder.project(lines[:, :hidden]), line_numbers, axis=0)
        thoughts = self.context_encoder.scan(projected, batch_sizes)[1]
        if not self.settings.shared_embedding:
            return thoughts
        words = packed_gru.summed(ops.take(lines[:, hidden:], line_numbers, axis=0), batch_sizes)
        return ops.concatenate([thoughts, words], axis=-1)

    def decode(self, inputs: Tensor, batch_sizes: Tensor, thought: Tensor, condition: Tensor) -> Tensor:
        """The decoder with teacher forcing: its input at each step is the true previous token.

        Args:
            inputs: (steps,) token ids of packed replies, start tokens first.
            batch_sizes: (time,) number of replies that have a token at each time.
            thought: (replies, thought size) thought vectors.
            condition: (replies,) condition ids.

        Returns:
            (steps, hidden) states d_n, from which `outputs` and the output layer predict the next token.
        """
        reply = packed_gru.sequence_index(batch_sizes)  # (steps,)
        static_input = ops.take(self.project_static_input(thought, condition), reply, axis=0)  # (steps, 3 hidden)
        projected = self.project_token_input(inputs) + static_input
        states, _ = self.decoder_0.scan(projected, batch_sizes)
        return self.decoder_1.scan(self.decoder_1.project(states), batch_sizes)[0]

    def outputs(self, states: Tensor, batch_sizes: Tensor, thought: Tensor) -> Tensor:
        """What the output layer reads: d_n, with `shared_embedding` d_n P + c ⊙ v.

        Args:
            states: (steps, hidden) d_n from `decode`.
            batch_sizes: (time,) number of replies that have a token at each time.
            thought: (replies, thought size) thought vectors.

        Returns:
            (steps, output size).
        """
        if not self.settings.shared_embedding:
            return states
        words = thought[:, self.settings.hidden :] * self.words.output_words
        words = ops.take(words, packed_gru.sequence_index(batch_sizes), axis=0)
        return matmul(states, self.words.output_projection, self.precision) + words

    def similarities(self, thought: Tensor, replies: Tensor) -> Tensor:
        """The similarity f · g of each context with each reply, with `shared_embedding`.

        Args:
            thought: (contexts, thought size) from `encode_contexts`.
            replies: (replies, thought size) from `encode_lines`.

        Returns:
            (contexts, replies).
        """
        hidden = self.settings.hidden

        def unit(vectors: Tensor, kernel: Tensor) -> Tensor:
            mapped = matmul(vectors[:, :hidden], kernel, self.precision) + vectors[:, hidden:]
            return ops.normalize(mapped, axis=1, epsilon=1e-6)

        return ops.matmul(
            unit(thought, self.words.similarity_context), ops.transpose(unit(replies, self.words.similarity_reply))
        )

    # The decoder's projected input is [E(y); s; C(k)] W + b = E(y) W_E + ([s; C(k)] W_sC + b), where W_E are the first
    # `embedding` rows of W. The second summand is the same at each step, so it is computed once per reply.

    def project_static_input(self, thought: Tensor, condition: Tensor) -> Tensor:
        """The part of the decoder's projected input that does not change between steps.

        Args:
            thought: (replies, thought size) thought vectors.
            condition: (replies,) condition ids.

        Returns:
            (replies, 3 hidden).
        """
        thought = thought[:, : self.settings.hidden]
        static_input = ops.concatenate([thought, self.condition_embedding(condition)], axis=-1)
        kernel = self.decoder_0.kernel[self.settings.embedding :]
        return matmul(static_input, kernel, self.precision) + self.decoder_0.bias[0]

    def project_token_input(self, ids: Tensor) -> Tensor:
        """The part of the decoder's projected input that depends on the previous token: (n,) -> (n, 3 hidden)."""
        inputs = self.settings.input_scale * self.response_embedding(ids)
        return matmul(inputs, self.decoder_0.kernel[: self.settings.embedding], self.precision)
