"""The data that one network is trained on, and the fingerprint of its training."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import attrs

from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.network.weight_files import Arrays
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainingConfig
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.weights import get_weights


@attrs.frozen(eq=False)
class TrainingSet:
    """Samples and initial weights for the forward or the reverse network.

    Attributes:
        name: "forward" or "reverse".
        batcher: Makes mini-batches.
        samples: Training samples.
        validation: Validation samples, for the perplexity after each epoch.
        initial_weights: Weights of the start model; None: the network keeps its random ones.
    """

    name: str
    batcher: Batcher
    samples: Samples
    validation: Samples
    initial_weights: Arrays | None = None


def training_fingerprint(network: TrainableNetwork, data: TrainingSet, config: TrainingConfig) -> str:
    """Returns a hash of everything that determines the result of a training: settings, samples and initial weights.

    A checkpoint with the same fingerprint can be resumed.
    """
    batcher, samples = data.batcher, data.samples
    lengths = [batcher.line_tokens, batcher.reply_tokens, batcher.padding, batcher.reverse]
    # How often checkpoints are written has no influence on the result.
    values = attrs.asdict(attrs.evolve(config, checkpoint_seconds=0.0))
    settings: list[Any] = [attrs.asdict(network.settings), lengths, values, batcher.vocabulary.tokens]
    if network.precision != "float32":  # once the only one; its checkpoints stay valid
        settings.append(network.precision)
    digest = hashlib.sha256(json.dumps(settings, ensure_ascii=False).encode())
    columns = (samples.context, samples.reply, samples.condition, samples.dialog)
    for array in (samples.lines.tokens, samples.lines.starts, *columns):
        digest.update(array.tobytes())
    for weight in get_weights(network).values():
        digest.update(weight.tobytes())
    return digest.hexdigest()
