"""The dimensions of a network, and the names and shapes of its weights."""

from __future__ import annotations

import math
from typing import Literal

import attrs

from autocakechat.plugins.trainers.cakechat.options import SIZE

Activation = Literal["sigmoid", "hard-sigmoid"]
"""σ of the GRU gates. "hard-sigmoid" is Keras 2's, clip(0.2 x + 0.5, 0, 1); Keras 3's has another slope."""


@attrs.frozen(kw_only=True)
class NetworkSettings:
    """The dimensions of a network.

    Attributes:
        tokens: Vocabulary size.
        conditions: Number of conditions.
        embedding: Embedding dimension of a token.
        condition_embedding: Embedding dimension of a condition.
        hidden: Units of each GRU.
        recurrent_activation: Activation of the GRU gates.
        shared_embedding: Whether contexts, replies and the output layer share one embedding table, and the output
            layer reads the words of the context. CakeChat has separate tables.
    """

    tokens: int = attrs.field(validator=SIZE)
    conditions: int = attrs.field(validator=SIZE)
    embedding: int = attrs.field(validator=SIZE)
    condition_embedding: int = attrs.field(validator=SIZE)
    hidden: int = attrs.field(validator=SIZE)
    recurrent_activation: Activation
    shared_embedding: bool = False

    @property
    def thought_size(self) -> int:
        """Size of a thought vector; with a shared embedding, the word vector of the context follows it."""
        return self.hidden + (self.embedding if self.shared_embedding else 0)

    @property
    def input_scale(self) -> float:
        """Factor of the embeddings that the GRUs read: √d with a shared embedding of dimension d, else 1."""
        return math.sqrt(self.embedding) if self.shared_embedding else 1.0


def weight_shapes(settings: NetworkSettings) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each weight by its name in a model folder.

    Each GRU has `kernel` (inputs, 3 hidden), `recurrent_kernel` (hidden, 3 hidden) and `bias` (2, 3 hidden).
    """
    embedding, condition_embedding, hidden = settings.embedding, settings.condition_embedding, settings.hidden
    gru_inputs = {
        "utterance_encoder.forward": embedding,
        "utterance_encoder.backward": embedding,
        "utterance_encoder.final": 2 * hidden,
        "context_encoder": hidden,
        "decoder.0": embedding + hidden + condition_embedding,
        "decoder.1": hidden,
    }
    tables = ("embedding",) if settings.shared_embedding else ("context_embedding", "response_embedding")
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(tables, (settings.tokens, embedding))
    shapes["condition_embedding"] = (settings.conditions, condition_embedding)
    for name, inputs in gru_inputs.items():
        shapes |= {
            f"{name}.kernel": (inputs, 3 * hidden),
            f"{name}.recurrent_kernel": (hidden, 3 * hidden),
            f"{name}.bias": (2, 3 * hidden),
        }
    if settings.shared_embedding:
        shapes |= {
            "salience": (settings.tokens,),
            "output.projection": (hidden, embedding),
            "output.context_words": (embedding,),
            "similarity.context": (hidden, embedding),
            "similarity.reply": (hidden, embedding),
        }
    else:
        shapes["output.kernel"] = (hidden, settings.tokens)
    return shapes | {"output.bias": (settings.tokens,)}
