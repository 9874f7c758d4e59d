"""A gradient step: forward pass, loss, gradients, clipping, update."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import attrs
import numpy as np

from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch, Replies
from autocakechat.plugins.trainers.cakechat.training.optimizer import clip_gradients, make_optimizer
from autocakechat.plugins.trainers.cakechat.training.workers.group import WorkerGroup
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.chunked_cross_entropy import summed_cross_entropy
from autocakechat.plugins.trainers.cakechat.training_network.dropout import dropout
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.products import Tensor
from autocakechat.plugins.trainers.cakechat.training_network.scorer import BATCH_SPEC, decoder_outputs

_MAX_MEASURED_SECONDS = 10.0

_CONTRASTIVE_WEIGHT = 0.1
"""Factor of C, so that its gradients take a small part of the maximum norm. Adam's steps do not depend on it."""

_TEMPERATURE = 0.07
"""τ of the contrastive loss."""


@attrs.frozen(kw_only=True)
class TrainingConfig:
    """How to train. The names of the fields are part of a checkpoint's fingerprint.

    Attributes:
        epochs: Maximum number of epochs.
        patience: Early stopping: epochs without a better validation perplexity.
        batch_size: Samples in a mini-batch, those of all workers together.
        optimizer: "adam" or "adadelta".
        learning_rate: Learning rate; with `decay` its maximum.
        decay: Whether the learning rate follows a schedule: linear warm-up, then cosine decay.
        warm_up: Warm-up steps.
        clip_norm: Maximum global norm of the gradients; None: not clipped.
        clip_value: Maximum absolute value of each component of the gradients; None: not clipped.
        dropout: Dropout rate of the decoder's outputs.
        seed: Seed of shuffling and dropout.
        checkpoint_seconds: Time between checkpoints within an epoch.
    """

    epochs: int
    patience: int
    batch_size: int
    optimizer: str
    learning_rate: float
    decay: bool
    warm_up: int
    clip_norm: float | None
    clip_value: float | None
    dropout: float
    seed: int
    checkpoint_seconds: float


class TrainStep:
    """Takes gradient steps; compiled at the first call.

    The loss of a mini-batch with N target tokens w_t is the mean cross-entropy

        L = -1/N Σ_t log p(w_t | previous tokens of the reply, context, condition)

    With `shared_embedding`, F and G are trained with a contrastive loss (InfoNCE, van den Oord et al. 2018, arXiv
    1807.03748): the reply to a context must be more similar to it than the mini-batch's replies of other dialogs are,
    and the other way round. With the similarity S_ij of the context i and the reply j, divided by the temperature τ:

        C = -1/2B Σ_i (log softmax_j(S_ij/τ)_i + log softmax_j(S_ji/τ)_i)

    C has no gradient for the other weights: when it had one, the perplexity was higher.

    With several workers, N and B are those of the whole mini-batch. Each worker computes the terms of L of its part,
    and all of C, since a reply is compared with those of the other parts.

    Args:
        network: The network to train.
        config: Optimizer, clipping and dropout.
        total_steps: Maximum number of gradient steps of the training; the learning-rate schedule spans them.
        group: The workers that train the network together.

    Attributes:
        optimizer: The Keras optimizer.
    """

    def __init__(
        self,
        network: TrainableNetwork,
        config: TrainingConfig,
        total_steps: int,
        group: WorkerGroup | None = None,
    ) -> None:
        self._network = network
        self._config = config
        self._group = group or WorkerGroup()
        self.optimizer = make_optimizer(
            config.optimizer, config.learning_rate, config.decay, config.warm_up, total_steps
        )
        self.optimizer.build(network.trainable_variables)
        self._compiled_update = tf.function(self._update, input_signature=[BATCH_SPEC], autograph=False)

    def __call__(self, batch: Batch) -> float:
        """Updates the weights with a mini-batch and returns its cross-entropy L before the update.

        Args:
            batch: This worker's part of the mini-batch.
        """
        return float(self._compiled_update(batch))

    @property
    def steps(self) -> int:
        """Gradient steps so far."""
        return int(self.optimizer.iterations)

    @property
    def learning_rate(self) -> float:
        """Learning rate of the next step."""
        return float(self.optimizer.learning_rate)

    def measure_seconds(self, batches: Iterable[Batch]) -> tuple[float, float]:
        """Measures the time of gradient steps, and undoes them.

        Args:
            batches: At least two mini-batches.

        Returns:
            The time of the first step, which compiles the update, and the mean time of the others.
        """
        variables = [*self._network.trainable_variables, *self.optimizer.variables]
        values = [np.array(variable.numpy()) for variable in variables]
        times = []
        before_first = before = time.monotonic()
        for batch in batches:
            self(batch)
            now = time.monotonic()
            times.append(now - before)
            before = now
            seconds = now - before_first - times[0]
            if self._group.total([seconds])[0] > _MAX_MEASURED_SECONDS * self._group.size:
                break
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        first, *others = times
        return first, sum(others) / len(others)

    def _update(self, batch: Batch) -> Tensor:
        cross_entropy, *gradients = self._group.run(self._summed_gradients, batch)
        gradients = clip_gradients(gradients, self._config.clip_value, self._config.clip_norm)
        self.optimizer.apply(gradients, self._network.trainable_variables)
        return cross_entropy

    def _summed_gradients(self, batch: Batch) -> Sequence[Tensor]:
        """Returns L and the gradients of all weights, summed over the workers."""
        targets = self._group.gather(tf.cast(tf.shape(batch.replies.targets), tf.float32))  # (workers,)
        with tf.GradientTape() as tape:
            cross_entropy, contrastive = self._losses(batch, targets)
            loss = cross_entropy + _CONTRASTIVE_WEIGHT / self._group.size * contrastive
        gradients = tape.gradient(loss, self._network.trainable_variables)
        return self._group.sum([cross_entropy, *gradients])

    def _losses(self, batch: Batch, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Returns this worker's terms of L, and C.

        Args:
            batch: This worker's part of the mini-batch.
            targets: (workers,) number of target tokens of each worker's part.
        """
        network, context = self._network, batch.context
        first_target = tf.cast(tf.reduce_sum(targets[: self._group.rank]), tf.int32)
        lines = network.encode_lines(*context.lines)
        thoughts = network.encode_contexts(lines, *context.line_numbers)
        thoughts = tf.gather(thoughts, context.unsorted_indices)
        outputs = decoder_outputs(
            network, thoughts, batch.replies, lambda states: self._dropout(states, batch.replies, first_target)
        )
        layer = network.output_kernel, network.output_bias
        total = summed_cross_entropy(outputs, batch.replies.targets, *layer, network.precision)
        cross_entropy = total / tf.reduce_sum(targets)
        if not network.settings.shared_embedding:
            return cross_entropy, 0.0
        return cross_entropy, self._contrastive_loss(
            self._group.gather(tf.stop_gradient(thoughts)),
            self._group.gather(tf.stop_gradient(tf.gather(lines, batch.reply_lines))),
            self._group.gather(batch.dialogs),
        )

    def _contrastive_loss(self, thoughts: Tensor, replies: Tensor, dialogs: Tensor) -> Tensor:
        similarities = self._network.similarities(thoughts, replies) / _TEMPERATURE
        pairs = tf.range(tf.size(dialogs))
        same_dialog = (dialogs[:, None] == dialogs) & (pairs[:, None] != pairs)
        similarities = tf.where(same_dialog, similarities.dtype.min, similarities)
        losses = [
            tf.nn.sparse_softmax_cross_entropy_with_logits(pairs, scores)
            for scores in (similarities, tf.transpose(similarities))
        ]
        return tf.reduce_mean(losses)

    def _dropout(self, states: Tensor, replies: Replies, first_target: Tensor) -> Tensor:
        if not self._config.dropout:
            return states
        # The mask depends on the seed and the step alone, so that a resumed training draws the same masks.
        seed = tf.stack([self._config.seed, tf.cast(self.optimizer.iterations, tf.int32)])
        return dropout(states, self._config.dropout, seed, replies, first_target)
