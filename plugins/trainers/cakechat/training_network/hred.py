"""The HRED network in TensorFlow. `network.hred` has its equations, and computes the same in NumPy."""

from __future__ import annotations

from typing import Any

from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings
from autocakechat.plugins.trainers.cakechat.training_network import packed_gru
from autocakechat.plugins.trainers.cakechat.training_network.backend import keras
from autocakechat.plugins.trainers.cakechat.training_network.layers import GRU, Embedding, Initializers
from autocakechat.plugins.trainers.cakechat.training_network.packed_gru import Tensor

ops = keras.ops


class TrainableNetwork(keras.layers.Layer):  # type: ignore[misc]
    """The network of CakeChat, with weights that are trained.

    Args:
        settings: Its dimensions.
        seed: Seed of the initial weights; None if weights are loaded later.
    """

    def __init__(self, settings: NetworkSettings, seed: int | None) -> None:
        super().__init__()
        self.settings = settings
        initializers = Initializers(seed)
        embedding, hidden = settings.embedding, settings.hidden
        self.context_embedding = Embedding(settings.tokens, embedding, initializers)
        self.response_embedding = Embedding(settings.tokens, embedding, initializers)
        self.condition_embedding = Embedding(settings.conditions, settings.condition_embedding, initializers)

        def gru(inputs: int) -> GRU:
            return GRU(inputs, hidden, settings.recurrent_activation, initializers)

        self.utterance_forward = gru(embedding)
        self.utterance_backward = gru(embedding)
        self.utterance_final = gru(2 * hidden)
        self.context_encoder = gru(hidden)
        self.decoder_0 = gru(embedding + hidden + settings.condition_embedding)
        self.decoder_1 = gru(hidden)
        self.output_kernel = self.add_weight(
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
        weights = {
            "context_embedding": self.context_embedding.embeddings,
            "response_embedding": self.response_embedding.embeddings,
            "condition_embedding": self.condition_embedding.embeddings,
        }
        for name, gru in grus.items():
            weights |= {
                f"{name}.kernel": gru.kernel,
                f"{name}.recurrent_kernel": gru.recurrent_kernel,
                f"{name}.bias": gru.bias,
            }
        return weights | {"output.kernel": self.output_kernel, "output.bias": self.output_bias}

    def encode_utterances(self, ids: Tensor, batch_sizes: Tensor) -> Tensor:
        """The utterance encoder: a bidirectional GRU, and a GRU over its states whose last state is the encoding.

        Args:
            ids: (steps,) token ids of packed lines.
            batch_sizes: (time,) number of lines that have a token at each time.

        Returns:
            (lines, hidden) utterance encodings q_m.
        """
        tokens = self.context_embedding(ids)  # (steps, embedding)
        forward, _ = self.utterance_forward.scan(self.utterance_forward.project(tokens), batch_sizes)
        backward, _ = self.utterance_backward.scan(self.utterance_backward.project(tokens), batch_sizes, reverse=True)
        states = ops.concatenate([forward, backward], axis=-1)  # (steps, 2 hidden)
        return self.utterance_final.scan(self.utterance_final.project(states), batch_sizes)[1]

    def encode_contexts(self, encodings: Tensor, line_numbers: Tensor, batch_sizes: Tensor) -> Tensor:
        """The context encoder: a GRU over the utterance encodings of each context.

        Args:
            encodings: (lines, hidden) from `encode_utterances`.
            line_numbers: (steps,) rows of `encodings`, as packed contexts, oldest line first.
            batch_sizes: (context lines,) number of contexts that have a line at each position.

        Returns:
            (contexts, hidden) thought vectors s_M.
        """
        projected = ops.take(self.context_encoder.project(encodings), line_numbers, axis=0)  # (steps, 3 hidden)
        return self.context_encoder.scan(projected, batch_sizes)[1]

    def decode(self, inputs: Tensor, batch_sizes: Tensor, thought: Tensor, condition: Tensor) -> Tensor:
        """The decoder with teacher forcing: its input at each step is the true previous token.

        Args:
            inputs: (steps,) token ids of packed replies, start tokens first.
            batch_sizes: (time,) number of replies that have a token at each time.
            thought: (replies, hidden) thought vectors.
            condition: (replies,) condition ids.

        Returns:
            (steps, hidden) states d_n, from which the output layer predicts the next token.
        """
        reply = packed_gru.sequence_index(batch_sizes)  # (steps,)
        static_input = ops.take(self.project_static_input(thought, condition), reply, axis=0)  # (steps, 3 hidden)
        projected = self.project_token_input(inputs) + static_input
        states, _ = self.decoder_0.scan(projected, batch_sizes)
        return self.decoder_1.scan(self.decoder_1.project(states), batch_sizes)[0]

    # The decoder's projected input is [E(y); s; C(k)] W + b = E(y) W_E + ([s; C(k)] W_sC + b), where W_E are the first
    # `embedding` rows of W. The second summand is the same at each step, so it is computed once per reply.

    def project_static_input(self, thought: Tensor, condition: Tensor) -> Tensor:
        """The part of the decoder's projected input that does not change between steps.

        Args:
            thought: (replies, hidden) thought vectors.
            condition: (replies,) condition ids.

        Returns:
            (replies, 3 hidden).
        """
        static_input = ops.concatenate([thought, self.condition_embedding(condition)], axis=-1)
        return ops.matmul(static_input, self.decoder_0.kernel[self.settings.embedding :]) + self.decoder_0.bias[0]

    def project_token_input(self, ids: Tensor) -> Tensor:
        """The part of the decoder's projected input that depends on the previous token: (n,) -> (n, 3 hidden)."""
        return ops.matmul(self.response_embedding(ids), self.decoder_0.kernel[: self.settings.embedding])
