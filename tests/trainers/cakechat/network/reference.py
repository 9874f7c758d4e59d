"""The network once more, out of Keras' own layers and with padding and masks: slow, and easy to see through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autocakechat.plugins.trainers.cakechat.network.backend import keras
from autocakechat.plugins.trainers.cakechat.network.hred import NetworkSettings

ops = keras.ops

ACTIVATIONS: dict[str, Any] = {"sigmoid": "sigmoid", "hard-sigmoid": lambda x: ops.clip(0.2 * x + 0.5, 0.0, 1.0)}


def log_probabilities(
    settings: NetworkSettings,
    weights: dict[str, Any],
    contexts: np.ndarray[Any, Any],
    condition: np.ndarray[Any, Any],
    response: np.ndarray[Any, Any],
    pad: int,
    masked: bool,
) -> np.ndarray[Any, Any]:
    """Returns log p (samples, tokens - 1) of each token of the responses.

    Args:
        settings: Shape of the network.
        weights: By name.
        contexts: (samples, lines, tokens) ids.
        condition: (samples,) ids.
        response: (samples, tokens) ids.
        pad: Id of the pad.
        masked: Whether pads are passed over.
    """

    def gru(name: str, inputs: Any, mask: Any, sequences: bool, backwards: bool = False) -> Any:
        layer = keras.layers.GRU(
            settings.hidden,
            recurrent_activation=ACTIVATIONS[settings.recurrent_activation],
            return_sequences=sequences,
            go_backwards=backwards,
            reset_after=True,
        )
        layer.build(inputs.shape)
        for part in ("kernel", "recurrent_kernel", "bias"):
            getattr(layer.cell, part).assign(weights[f"{name}.{part}"])
        return layer(inputs, mask=mask)

    def mask_of(ids: np.ndarray[Any, Any]) -> Any:
        return ops.convert_to_tensor(ids != pad) if masked else None

    look_up: Callable[..., Any] = lambda name, ids: ops.take(weights[name], ids, axis=0)  # noqa: E731

    samples, lines, _ = contexts.shape
    flat = contexts.reshape(samples * lines, -1)
    tokens = look_up("context_embedding", flat)
    forward = gru("utterance_encoder.forward", tokens, mask_of(flat), sequences=True)
    backward = ops.flip(
        gru("utterance_encoder.backward", tokens, mask_of(flat), sequences=True, backwards=True), axis=1
    )
    both = ops.concatenate([forward, backward], axis=-1)
    encodings = ops.reshape(
        gru("utterance_encoder.final", both, mask_of(flat), sequences=False), (samples, lines, settings.hidden)
    )
    thought = gru("context_encoder", encodings, mask_of(contexts[:, :, 0]), sequences=False)

    said = look_up("response_embedding", response[:, :-1])
    steady = ops.concatenate([thought, look_up("condition_embedding", condition)], axis=-1)
    steady = ops.repeat(steady[:, None], said.shape[1], axis=1)
    states = gru("decoder.0", ops.concatenate([said, steady], axis=-1), None, sequences=True)
    states = gru("decoder.1", states, None, sequences=True)
    logits = ops.matmul(states, weights["output.kernel"]) + weights["output.bias"]
    log_p = np.asarray(ops.log_softmax(logits))
    return np.take_along_axis(log_p, response[:, 1:, None].astype(np.int64), axis=2)[:, :, 0]
