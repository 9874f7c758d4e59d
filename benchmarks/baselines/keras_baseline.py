"""The baseline of `training.py`: the same network, built from Keras' own GRU layers, trained on padded batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.network.settings import NetworkSettings
from autocakechat.plugins.trainers.cakechat.training_network.backend import keras


def keras_network(settings: NetworkSettings, context_lines: int, line_tokens: int, reply_width: int) -> Any:
    """Builds and compiles the network.

    Args:
        settings: Sizes of the network.
        context_lines: Lines of context.
        line_tokens: Tokens of a context line.
        reply_width: Tokens of a reply, start and end token included.

    Returns:
        A Keras model. Inputs: (samples, context_lines, line_tokens) token ids, (samples, reply_width - 1) token ids
        and (samples,) condition ids. Output: (samples, reply_width - 1, vocabulary) logits.
    """
    layers, hidden = keras.layers, settings.hidden

    def last_state() -> Any:
        return layers.GRU(hidden)

    def all_states() -> Any:
        return layers.GRU(hidden, return_sequences=True)

    line = keras.Input((line_tokens,), dtype="int32")
    embedded_line = layers.Embedding(settings.tokens, settings.embedding)(line)
    line_states = layers.Bidirectional(all_states())(embedded_line)
    encoded_line = last_state()(line_states)
    line_encoder = keras.Model(line, encoded_line)

    context = keras.Input((context_lines, line_tokens), dtype="int32")
    reply = keras.Input((reply_width - 1,), dtype="int32")
    condition = keras.Input((), dtype="int32")
    lines = layers.Lambda(lambda ids: keras.ops.reshape(ids, (-1, line_tokens)))(context)
    by_context = layers.Lambda(lambda rows: keras.ops.reshape(rows, (-1, context_lines, hidden)))
    encoded_lines = by_context(line_encoder(lines))
    thought_vector = last_state()(encoded_lines)
    embedded_condition = layers.Embedding(settings.conditions, settings.condition_embedding)(condition)
    static_input = layers.Concatenate()([thought_vector, embedded_condition])
    static_inputs = layers.RepeatVector(reply_width - 1)(static_input)
    embedded_reply = layers.Embedding(settings.tokens, settings.embedding)(reply)
    decoder_inputs = layers.Concatenate()([embedded_reply, static_inputs])
    first_states = all_states()(decoder_inputs)
    second_states = all_states()(first_states)
    logits = layers.Dense(settings.tokens)(layers.Dropout(0.2)(second_states))
    model = keras.Model([context, reply, condition], logits)
    model.compile(
        optimizer=keras.optimizers.Adam(0.001, global_clipnorm=5.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def keras_batch(batcher: Batcher, samples: Samples, indices: np.ndarray[Any, Any]) -> tuple[list[Any], Any, Any]:
    """Makes the arguments of `train_on_batch`: inputs, targets, and sample weights that are zero for pads."""
    pad, width = batcher.vocabulary.pad, batcher.line_tokens
    lines = samples.lines.padded(samples.context[indices].reshape(-1), width, pad, "front", width)
    replies = np.full((len(indices), batcher.reply_tokens + 2), pad, np.int32)
    padded = batcher.pad_replies(samples.lines, samples.reply[indices])
    replies[:, : padded.shape[1]] = padded
    inputs = [lines.reshape(len(indices), -1, width), replies[:, :-1], samples.condition[indices]]
    targets = replies[:, 1:]
    return inputs, targets, (targets != pad).astype(np.float32)
