"""Hyperparameters: the presets of `size`, and how single options override them."""

from __future__ import annotations

import os

import attrs

from autocakechat import TrainingEstimate
from autocakechat.plugins.trainers.cakechat.options import Options


@attrs.frozen(kw_only=True)
class Hyperparameters:
    """What a preset of `size` sets; each field is also an option of the same name."""

    hidden: int
    embedding: int
    condition_embedding: int
    vocabulary: int
    batch_size: int
    epochs: int
    learning_rate: float


PRESETS = {
    "tiny": Hyperparameters(
        hidden=128,
        embedding=64,
        condition_embedding=8,
        vocabulary=5_000,
        batch_size=64,
        epochs=3,
        learning_rate=0.01,
    ),
    "small": Hyperparameters(
        hidden=256,
        embedding=128,
        condition_embedding=16,
        vocabulary=10_000,
        batch_size=128,
        epochs=5,
        learning_rate=0.005,
    ),
    "medium": Hyperparameters(
        hidden=512,
        embedding=128,
        condition_embedding=64,
        vocabulary=30_000,
        batch_size=192,
        epochs=5,
        learning_rate=0.002,
    ),
    "cakechat": Hyperparameters(
        hidden=768,
        embedding=128,
        condition_embedding=128,
        vocabulary=50_000,
        batch_size=196,
        epochs=5,
        learning_rate=0.001,
    ),
}
"""From small to large. The learning rates are Adam's: that of "tiny" was tuned, the others scale down with the size."""

ADADELTA_LEARNING_RATE = 6.0
"""The learning rate of the original CakeChat."""

FINE_TUNING_LR_FACTOR = 0.3
"""Factor for Adam's learning rate on a start model: the full rate raises its perplexity (see docs/training.md)."""

_LARGEST_PRESET = "cakechat"
_MAX_SAMPLES = {"tiny": 20_000, "small": 200_000, "medium": 2_000_000}
"""Training samples up to which `size = "auto"` chooses a preset."""

_PAIRS_PER_SECOND = {"tiny": 930, "small": 420, "medium": 100, "cakechat": 50}
"""The speed of training on two cores (see docs/performance.md)."""
_MEASURED_CORES = 2
_MOST_CORES = 8
_START_SECONDS = 20
_ENOUGH_REPLIES = 50_000


def resolve_hyperparameters(options: Options, samples: int, start_hidden: int | None = None) -> Hyperparameters:
    """Returns the preset of `size`, with single options overriding its fields.

    Args:
        options: The options of `[trainer]`.
        samples: Number of training samples; `auto` chooses by it.
        start_hidden: Hidden size of the start model, if there is one; `auto` then chooses by it, and Adam's learning
            rate is multiplied by `FINE_TUNING_LR_FACTOR`.
    """
    name = _preset_name(samples, start_hidden) if options.size == "auto" else options.size
    values = PRESETS[name]
    if start_hidden is not None:
        values = attrs.evolve(values, learning_rate=FINE_TUNING_LR_FACTOR * values.learning_rate)
    if options.optimizer == "adadelta":
        values = attrs.evolve(values, learning_rate=ADADELTA_LEARNING_RATE)
    overrides = {field.name: getattr(options, field.name) for field in attrs.fields(Hyperparameters)}
    return attrs.evolve(values, **{name: value for name, value in overrides.items() if value is not None})


def estimate_training(replies: int) -> TrainingEstimate:
    """Estimates a training from scratch with the default options.

    Past replies are ranked as by the trainer `retrieval`. A small network adds sentences that make little sense, one
    that has learnt tens of thousands of replies helps to rank them.

    Args:
        replies: The number of replies to learn.
    """
    name = _preset_name(replies, None)
    speed = _PAIRS_PER_SECOND[name] * min(os.cpu_count() or 1, _MOST_CORES) / _MEASURED_CORES
    quality = 0.7 * replies / (replies + 200) - 0.02 + 0.04 * min(1.0, replies / _ENOUGH_REPLIES)
    return TrainingEstimate(
        seconds=_START_SECONDS + replies * PRESETS[name].epochs / speed,
        quality=max(0.01, quality),
        remark="past replies, and new sentences of a network that needs 50,000 replies to make sense",
    )


def _preset_name(samples: int, start_hidden: int | None) -> str:
    """Returns the smallest preset that fits the start model, or else the number of samples."""
    if start_hidden is not None:
        fitting = (name for name, preset in PRESETS.items() if start_hidden <= preset.hidden)
    else:
        fitting = (name for name, limit in _MAX_SAMPLES.items() if samples <= limit)
    return next(fitting, _LARGEST_PRESET)
