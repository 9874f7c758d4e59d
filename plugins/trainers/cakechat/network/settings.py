"""The dimensions of a network, and the names and shapes of its weights."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs.validators import and_, ge, le

Activation = Literal["sigmoid", "hard-sigmoid"]
"""σ of the GRU gates. "hard-sigmoid" is Keras 2's, clip(0.2 x + 0.5, 0, 1); Keras 3's has another slope."""

_SIZE = and_(ge(1), le(2**24))


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
    """

    tokens: int = attrs.field(validator=_SIZE)
    conditions: int = attrs.field(validator=_SIZE)
    embedding: int = attrs.field(validator=_SIZE)
    condition_embedding: int = attrs.field(validator=_SIZE)
    hidden: int = attrs.field(validator=_SIZE)
    recurrent_activation: Activation


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
    shapes: dict[str, tuple[int, ...]] = {
        "context_embedding": (settings.tokens, embedding),
        "response_embedding": (settings.tokens, embedding),
        "condition_embedding": (settings.conditions, condition_embedding),
    }
    for name, inputs in gru_inputs.items():
        shapes |= {
            f"{name}.kernel": (inputs, 3 * hidden),
            f"{name}.recurrent_kernel": (hidden, 3 * hidden),
            f"{name}.bias": (2, 3 * hidden),
        }
    return shapes | {"output.kernel": (hidden, settings.tokens), "output.bias": (settings.tokens,)}
