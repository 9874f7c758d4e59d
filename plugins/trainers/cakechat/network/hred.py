"""The network: a hierarchical recurrent encoder-decoder (Sordoni et al. 2015, arXiv 1507.02221) with emotions.

    line of tokens --utterance encoder--> encoding --context encoder--> thought vector --decoder--> answer

Sequences are packed as `recurrence` says: only real steps are stored and computed. Whether pads are real is not known
here; `samples` decides it. Weights are named as in `Network.named_weights`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from autocakechat.plugins.trainers.cakechat.network import packed_gru
from autocakechat.plugins.trainers.cakechat.network.backend import keras
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Activation, Tensor

ops = keras.ops


@attrs.frozen(kw_only=True)
class NetworkSettings:
    """The shape of a network.

    Attributes:
        tokens: Size of the vocabulary.
        conditions: Number of labels.
        embedding: Numbers that stand for a token.
        condition_embedding: Numbers that stand for a label.
        hidden: Units of each GRU.
        recurrent_activation: Activation of the GRU's gates.
    """

    tokens: int
    conditions: int
    embedding: int
    condition_embedding: int
    hidden: int
    recurrent_activation: Activation


def weight_shapes(settings: NetworkSettings) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each weight by the name it has in a model folder.

    Each GRU has `kernel` (inputs, 3 hidden), `recurrent_kernel` (hidden, 3 hidden) and `bias` (2, 3 hidden).
    """
    embedding, condition_embedding, hidden = settings.embedding, settings.condition_embedding, settings.hidden
    inputs = {
        "utterance_encoder.forward": embedding,
        "utterance_encoder.backward": embedding,
        "utterance_encoder.final": 2 * hidden,
        "context_encoder": hidden,
        "decoder.0": embedding + hidden + condition_embedding,
        "decoder.1": hidden,
    }
    shapes: dict[str, tuple[int, ...]] = {
        "context_embedding": (settings.tokens, embedding),
        "response_embedding": (settings.tokens, embedding),
        "condition_embedding": (settings.conditions, condition_embedding),
    }
    for name, size in inputs.items():
        shapes |= {
            f"{name}.kernel": (size, 3 * hidden),
            f"{name}.recurrent_kernel": (hidden, 3 * hidden),
            f"{name}.bias": (2, 3 * hidden),
        }
    return shapes | {"output.kernel": (hidden, settings.tokens), "output.bias": (settings.tokens,)}


class FirstWeights:
    """Makes the first weights of layers, each from a seed of its own, so that the same seed gives the same network.

    Args:
        seed: The seed; None for zeros, where weights are loaded later.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = seed

    def normal(self, deviation: float) -> Any:
        """Returns an initializer: normally distributed."""
        return self._seeded(lambda seed: keras.initializers.RandomNormal(stddev=deviation, seed=seed))

    def glorot(self) -> Any:
        """Returns an initializer: uniform, of a width that suits the layer's inputs and outputs."""
        return self._seeded(lambda seed: keras.initializers.GlorotUniform(seed=seed))

    def glorot_gates(self) -> Any:
        """Returns an initializer: `glorot` for each of three gates that stand side by side."""
        return self._gates([self.glorot() for _ in range(3)])

    def orthogonal_gates(self) -> Any:
        """Returns an initializer: an orthogonal matrix for each of three gates that stand side by side."""
        return self._gates([self._seeded(lambda seed: keras.initializers.Orthogonal(seed=seed)) for _ in range(3)])

    def _seeded(self, kind: Callable[[int], Any]) -> Any:
        if self._seed is None:
            return keras.initializers.Zeros()
        self._seed += 1
        return kind(self._seed)

    @staticmethod
    def _gates(initializers: list[Any]) -> Callable[..., Any]:
        def initialize(shape: tuple[int, int], dtype: Any) -> Any:
            gate = (shape[0], shape[1] // 3)
            return ops.concatenate([initializer(gate, dtype) for initializer in initializers], axis=1)

        return initialize


class Embedding(keras.layers.Layer):  # type: ignore[misc]
    """A table of vectors, one for each id."""

    def __init__(self, ids: int, size: int, weights: FirstWeights) -> None:
        super().__init__()
        self.embeddings = self.add_weight(shape=(ids, size), initializer=weights.normal(0.5), name="embeddings")

    def call(self, ids: Tensor) -> Tensor:
        """Looks ids up: (n,) -> (n, size)."""
        return ops.take(self.embeddings, ids, axis=0)


class GRU(keras.layers.Layer):  # type: ignore[misc]
    """A gated recurrent unit of the kind that CuDNN computes: the reset gate acts after the recurrent product.

    The input part of all steps is one product (`project`); only the recurrent part is left to the loop (`scan`).
    Gates stand in the order update, reset, candidate along the last axis of all weights. The bias has a row for the
    input and a row for the recurrent part.
    """

    def __init__(self, inputs: int, units: int, activation: Activation, weights: FirstWeights) -> None:
        super().__init__()
        self.activation = activation
        self.kernel = self.add_weight(shape=(inputs, 3 * units), initializer=weights.glorot_gates(), name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(units, 3 * units), initializer=weights.orthogonal_gates(), name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(2, 3 * units), initializer="zeros", name="bias")

    def project(self, inputs: Tensor) -> Tensor:
        """Multiplies inputs by the kernel: (n, inputs) -> (n, 3 units)."""
        return ops.matmul(inputs, self.kernel) + self.bias[0]

    def step(self, projected: Tensor, state: Tensor) -> Tensor:
        """Goes one step: (n, 3 units), (n, units) -> (n, units)."""
        return packed_gru.step(projected, state, self.recurrent_kernel, self.bias[1], self.activation)

    def scan(self, projected: Tensor, counts: Tensor, reverse: bool = False) -> tuple[Tensor, Tensor]:
        """Goes through packed sequences from a state of zeros.

        Args:
            projected: (steps, 3 units) from `project`.
            counts: (time,) sequences that have a step at each time.
            reverse: Each sequence from its last step to its first.

        Returns:
            (steps, units) the state after each step, and (sequences, units) the last states.
        """
        return packed_gru.scan(projected, counts, self.recurrent_kernel, self.bias[1], self.activation, reverse)


class Network(keras.layers.Layer):  # type: ignore[misc]
    """The network of CakeChat.

    Args:
        settings: Its shape.
        seed: Seed of its first weights; None if weights are loaded into it.
    """

    def __init__(self, settings: NetworkSettings, seed: int | None) -> None:
        super().__init__()
        self.settings = settings
        weights = FirstWeights(seed)
        embedding, hidden = settings.embedding, settings.hidden
        self.context_embedding = Embedding(settings.tokens, embedding, weights)
        self.response_embedding = Embedding(settings.tokens, embedding, weights)
        self.condition_embedding = Embedding(settings.conditions, settings.condition_embedding, weights)

        def gru(inputs: int) -> GRU:
            return GRU(inputs, hidden, settings.recurrent_activation, weights)

        self.utterance_forward = gru(embedding)
        self.utterance_backward = gru(embedding)
        self.utterance_final = gru(2 * hidden)
        self.context_encoder = gru(hidden)
        self.decoder_0 = gru(embedding + hidden + settings.condition_embedding)
        self.decoder_1 = gru(hidden)
        self.output_kernel = self.add_weight(
            shape=(hidden, settings.tokens), initializer=weights.glorot(), name="kernel"
        )
        self.output_bias = self.add_weight(shape=(settings.tokens,), initializer="zeros", name="bias")
        self.built = True

    def named_weights(self) -> dict[str, Any]:
        """Returns the weights by the names they have in a model folder, see `weight_shapes`."""
        grus = {
            "utterance_encoder.forward": self.utterance_forward,
            "utterance_encoder.backward": self.utterance_backward,
            "utterance_encoder.final": self.utterance_final,
            "context_encoder": self.context_encoder,
            "decoder.0": self.decoder_0,
            "decoder.1": self.decoder_1,
        }
        named = {
            "context_embedding": self.context_embedding.embeddings,
            "response_embedding": self.response_embedding.embeddings,
            "condition_embedding": self.condition_embedding.embeddings,
        }
        for name, gru in grus.items():
            named |= {
                f"{name}.kernel": gru.kernel,
                f"{name}.recurrent_kernel": gru.recurrent_kernel,
                f"{name}.bias": gru.bias,
            }
        return named | {"output.kernel": self.output_kernel, "output.bias": self.output_bias}

    def encode_utterances(self, ids: Tensor, counts: Tensor) -> Tensor:
        """The utterance encoder.

        Args:
            ids: (steps,) tokens of packed lines.
            counts: (time,) lines that have a token at each time.

        Returns:
            (lines, hidden) encodings.
        """
        tokens = self.context_embedding(ids)
        forward, _ = self.utterance_forward.scan(self.utterance_forward.project(tokens), counts)
        backward, _ = self.utterance_backward.scan(self.utterance_backward.project(tokens), counts, reverse=True)
        both = ops.concatenate([forward, backward], axis=-1)
        return self.utterance_final.scan(self.utterance_final.project(both), counts)[1]

    def encode_contexts(self, encodings: Tensor, contexts: Tensor, counts: Tensor) -> Tensor:
        """The context encoder.

        Args:
            encodings: (lines, hidden) from `encode_utterances`.
            contexts: (steps,) which of the lines packed contexts are made of, oldest first.
            counts: (context lines,) contexts that have a line at each place.

        Returns:
            (contexts, hidden) thought vectors.
        """
        projected = ops.take(self.context_encoder.project(encodings), contexts, axis=0)
        return self.context_encoder.scan(projected, counts)[1]

    def decode(self, said: Tensor, counts: Tensor, thought: Tensor, condition: Tensor) -> Tensor:
        """The decoder, told at each step which token was said before.

        Args:
            said: (steps,) tokens of packed answers, start tokens first.
            counts: (time,) answers that have a token at each time.
            thought: (answers, hidden).
            condition: (answers,) ids of labels.

        Returns:
            (steps, hidden) states, from which `logits` tells the token after each.
        """
        rows = ops.arange(ops.shape(said)[0]) - packed_gru.starts_of_steps(counts)
        projected = self.project_token_input(said) + ops.take(
            self.project_static_input(thought, condition), rows, axis=0
        )
        states, _ = self.decoder_0.scan(projected, counts)
        return self.decoder_1.scan(self.decoder_1.project(states), counts)[0]

    def project_static_input(self, thought: Tensor, condition: Tensor) -> Tensor:
        """The part of the decoder's projected input that is the same at each step: (answers, 3 hidden)."""
        constant = ops.concatenate([thought, self.condition_embedding(condition)], axis=-1)
        return ops.matmul(constant, self.decoder_0.kernel[self.settings.embedding :]) + self.decoder_0.bias[0]

    def project_token_input(self, ids: Tensor) -> Tensor:
        """The part of the decoder's projected input that depends on the last token: (n,) ids -> (n, 3 hidden)."""
        return ops.matmul(self.response_embedding(ids), self.decoder_0.kernel[: self.settings.embedding])

    def step(self, ids: Tensor, steady: Tensor, states: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Decodes one step.

        Args:
            ids: (answers,) the last tokens.
            steady: (answers, 3 hidden) from `project_static_input`.
            states: Two of (answers, hidden), zeros before the first step.

        Returns:
            The new states; `logits` of the second tells the next token.
        """
        first = self.decoder_0.step(self.project_token_input(ids) + steady, states[0])
        return first, self.decoder_1.step(self.decoder_1.project(first), states[1])

    def logits(self, states: Tensor) -> Tensor:
        """The output layer: (n, hidden) -> (n, vocabulary)."""
        return ops.matmul(states, self.output_kernel) + self.output_bias
