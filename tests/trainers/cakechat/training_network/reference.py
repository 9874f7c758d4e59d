"""A reference implementation of the network with Keras' own layers, padding and masks: simple and slow."""

from __future__ import annotations

from typing import Any

import numpy as np

from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings
from autocakechat.plugins.trainers.cakechat.training_network.backend import keras

ops = keras.ops

ACTIVATIONS: dict[str, Any] = {"sigmoid": "sigmoid", "hard-sigmoid": lambda x: ops.clip(0.2 * x + 0.5, 0.0, 1.0)}


def log_probabilities(
    settings: NetworkSettings,
    weights: dict[str, Any],
    contexts: np.ndarray[Any, Any],
    condition: np.ndarray[Any, Any],
    reply: np.ndarray[Any, Any],
    pad: int,
    masked: bool,
) -> np.ndarray[Any, Any]:
    """Returns log p of each target token of the replies: (samples, tokens - 1).

    Args:
        settings: Dimensions of the network.
        weights: The weights by name.
        contexts: (samples, lines, tokens) token ids.
        condition: (samples,) condition ids.
        reply: (samples, tokens) token ids.
        pad: Id of the pad token.
        masked: Whether pads are masked.
    """

    def gru(name: str, inputs: Any, mask: Any, sequences: bool, go_backwards: bool = False) -> Any:
        layer = keras.layers.GRU(
            settings.hidden,
            recurrent_activation=ACTIVATIONS[settings.recurrent_activation],
            return_sequences=sequences,
            go_backwards=go_backwards,
            reset_after=True,
        )
        layer.build(inputs.shape)
        for part in ("kernel", "recurrent_kernel", "bias"):
            getattr(layer.cell, part).assign(weights[f"{name}.{part}"])
        return layer(inputs, mask=mask)

    def padding_mask(ids: np.ndarray[Any, Any]) -> Any:
        return ops.convert_to_tensor(ids != pad) if masked else None

    def embed(table: str, ids: np.ndarray[Any, Any]) -> Any:
        return ops.take(weights[table], ids, axis=0)

    samples, lines, _ = contexts.shape
    flat = contexts.reshape(samples * lines, -1)  # (lines of all samples, tokens)
    tokens = embed("context_embedding", flat)
    forward = gru("utterance_encoder.forward", tokens, padding_mask(flat), sequences=True)
    backward = ops.flip(
        gru("utterance_encoder.backward", tokens, padding_mask(flat), sequences=True, go_backwards=True), axis=1
    )
    states = ops.concatenate([forward, backward], axis=-1)
    encodings = ops.reshape(
        gru("utterance_encoder.final", states, padding_mask(flat), sequences=False), (samples, lines, settings.hidden)
    )
    thought = gru("context_encoder", encodings, padding_mask(contexts[:, :, 0]), sequences=False)

    inputs = embed("response_embedding", reply[:, :-1])
    static_input = ops.concatenate([thought, embed("condition_embedding", condition)], axis=-1)
    static_input = ops.repeat(static_input[:, None], inputs.shape[1], axis=1)
    states = gru("decoder.0", ops.concatenate([inputs, static_input], axis=-1), None, sequences=True)
    states = gru("decoder.1", states, None, sequences=True)
    logits = ops.matmul(states, weights["output.kernel"]) + weights["output.bias"]
    log_p = np.asarray(ops.log_softmax(logits))
    return np.take_along_axis(log_p, reply[:, 1:, None].astype(np.int64), axis=2)[:, :, 0]
