"""The layers of the network: embedding and GRU, with seeded initial weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autocakechat.plugins.trainers.cakechat.network.settings import Activation, NetworkSettings
from autocakechat.plugins.trainers.cakechat.training_network import packed_gru, products
from autocakechat.plugins.trainers.cakechat.training_network.backend import keras
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision, Tensor

ops = keras.ops

EMBEDDING_DEVIATION = 0.5
"""Standard deviation of the initial embeddings. Shared ones have 1/√d, so that their length is about 1."""


class Initializers:
    """Makes weight initializers, each with a different seed, so that the same seed gives the same network.

    Args:
        seed: The seed; None for zeros, if weights are loaded later.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = seed

    def normal(self, deviation: float) -> Any:
        """Returns an initializer with a normal distribution."""
        return self._seeded(lambda seed: keras.initializers.RandomNormal(stddev=deviation, seed=seed))

    def glorot(self) -> Any:
        """Returns a Glorot uniform initializer."""
        return self._seeded(lambda seed: keras.initializers.GlorotUniform(seed=seed))

    def glorot_gates(self) -> Any:
        """Returns an initializer for the kernels of three gates side by side: `glorot` for each."""
        return self._gates([self.glorot() for _ in range(3)])

    def orthogonal_gates(self) -> Any:
        """Returns an initializer for the kernels of three gates side by side: an orthogonal matrix for each."""
        return self._gates([self._seeded(lambda seed: keras.initializers.Orthogonal(seed=seed)) for _ in range(3)])

    def _seeded(self, make: Callable[[int], Any]) -> Any:
        if self._seed is None:
            return keras.initializers.Zeros()
        self._seed += 1
        return make(self._seed)

    @staticmethod
    def _gates(initializers: list[Any]) -> Callable[..., Any]:
        def initialise(shape: tuple[int, int], dtype: Any) -> Any:
            gate_shape = (shape[0], shape[1] // 3)
            return ops.concatenate([initializer(gate_shape, dtype) for initializer in initializers], axis=1)

        return initialise


class Embedding(keras.layers.Layer):  # type: ignore[misc]
    """An embedding table: a vector for each id."""

    def __init__(self, ids: int, size: int, initializers: Initializers, deviation: float = EMBEDDING_DEVIATION) -> None:
        super().__init__()
        initializer = initializers.normal(deviation)
        self.embeddings = self.add_weight(shape=(ids, size), initializer=initializer, name="embeddings")

    def call(self, ids: Tensor) -> Tensor:
        """Looks up ids: (n,) -> (n, size)."""
        return ops.take(self.embeddings, ids, axis=0)


class ContextWords(keras.layers.Layer):  # type: ignore[misc]
    """The weights of a network with `shared_embedding` that others do not have; see `network.hred`."""

    def __init__(self, settings: NetworkSettings, initializers: Initializers) -> None:
        super().__init__()
        shape = (settings.hidden, settings.embedding)
        self.salience = self.add_weight(shape=(settings.tokens,), initializer="ones", name="salience")  # a
        self.output_projection = self.add_weight(shape=shape, initializer=initializers.glorot(), name="projection")  # P
        self.output_words = self.add_weight(shape=shape[1:], initializer="ones", name="output_words")  # c
        # Zeros: at first, the similarity counts common words.
        self.similarity_context = self.add_weight(shape=shape, initializer="zeros", name="context")  # F
        self.similarity_reply = self.add_weight(shape=shape, initializer="zeros", name="reply")  # G

    def named_weights(self) -> dict[str, Any]:
        """Returns the weights by their names in a model folder; see `settings.weight_shapes`."""
        return {
            "salience": self.salience,
            "output.projection": self.output_projection,
            "output.context_words": self.output_words,
            "similarity.context": self.similarity_context,
            "similarity.reply": self.similarity_reply,
        }


class GRU(keras.layers.Layer):  # type: ignore[misc]
    """A gated recurrent unit; see `packed_gru` for its equations.

    `project` computes the input products of all steps at once; `scan` computes the recurrence.
    """

    def __init__(
        self, inputs: int, units: int, activation: Activation, precision: Precision, initializers: Initializers
    ) -> None:
        super().__init__()
        self.activation = activation
        self.precision: Precision = precision
        self.kernel = self.add_weight(shape=(inputs, 3 * units), initializer=initializers.glorot_gates(), name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(units, 3 * units), initializer=initializers.orthogonal_gates(), name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(2, 3 * units), initializer="zeros", name="bias")  # b, c

    def project(self, inputs: Tensor) -> Tensor:
        """Computes x W + b: (n, inputs) -> (n, 3 units)."""
        return products.matmul(inputs, self.kernel, self.precision) + self.bias[0]

    def scan(self, projected: Tensor, batch_sizes: Tensor, reverse: bool = False) -> tuple[Tensor, Tensor]:
        """Computes all states of packed sequences, starting from zeros.

        Args:
            projected: (steps, 3 units) from `project`.
            batch_sizes: (time,) number of sequences that have a step at each time.
            reverse: Whether to run from the last step of each sequence to its first.

        Returns:
            (steps, units) the state after each packed step, and (sequences, units) the last state of each sequence.
        """
        return packed_gru.scan(
            projected, batch_sizes, self.recurrent_kernel, self.bias[1], self.activation, reverse, self.precision
        )
