"""The yardstick: the network as it is usually built with Keras, of its own GRU layers, on padded rectangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.network.backend import keras
from autocakechat.plugins.trainers.cakechat.network.hred import NetworkSettings


def plain_network(settings: NetworkSettings, context_lines: int, line_tokens: int, answer_tokens: int) -> Any:
    """Builds and compiles the network.

    It reads (samples, context lines, tokens) ids, (samples, answer tokens - 1) ids and (samples,) labels, and gives
    (samples, answer tokens - 1, vocabulary) logits.
    """
    layers, hidden = keras.layers, settings.hidden

    def gru(sequences: bool) -> Any:
        return layers.GRU(hidden, return_sequences=sequences)

    line = keras.Input((line_tokens,), dtype="int32")
    tokens = layers.Embedding(settings.tokens, settings.embedding)(line)
    encoder = keras.Model(line, gru(False)(layers.Bidirectional(gru(True))(tokens)))

    context = keras.Input((context_lines, line_tokens), dtype="int32")
    said = keras.Input((answer_tokens - 1,), dtype="int32")
    condition = keras.Input((), dtype="int32")
    encodings = encoder(layers.Lambda(lambda ids: keras.ops.reshape(ids, (-1, line_tokens)))(context))
    encodings = layers.Lambda(lambda rows: keras.ops.reshape(rows, (-1, context_lines, hidden)))(encodings)
    label = layers.Embedding(settings.conditions, settings.condition_embedding)(condition)
    steady = layers.RepeatVector(answer_tokens - 1)(layers.Concatenate()([gru(False)(encodings), label]))
    heard = layers.Concatenate()([layers.Embedding(settings.tokens, settings.embedding)(said), steady])
    states = layers.Dropout(0.2)(gru(True)(gru(True)(heard)))
    model = keras.Model([context, said, condition], layers.Dense(settings.tokens)(states))
    model.compile(
        optimizer=keras.optimizers.Adam(0.001, global_clipnorm=5.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def plain_batch(batcher: Batcher, samples: Samples, chosen: np.ndarray[Any, Any]) -> tuple[list[Any], Any, Any]:
    """Makes what `train_on_batch` wants: inputs, targets, and weights that are zero for pads."""
    pad, width = batcher.vocabulary.pad, batcher.line_tokens
    lines = samples.lines.padded(samples.context[chosen].reshape(-1), width, pad, "front", width)
    answers = np.full((len(chosen), batcher.reply_tokens + 2), pad, np.int32)
    padded = batcher.pad_replies(samples.lines, samples.reply[chosen])
    answers[:, : padded.shape[1]] = padded
    inputs = [lines.reshape(len(chosen), -1, width), answers[:, :-1], samples.condition[chosen]]
    return inputs, answers[:, 1:], (answers[:, 1:] != pad).astype(np.float32)
