"""The training loop: one gradient step after the other, validation after each epoch, and a way back in.

Everything random is drawn from (seed, epoch) or (seed, step), and a checkpoint holds all the rest. So a training that
was interrupted and goes on ends with the same weights as one that was not.
"""

from __future__ import annotations

import itertools
import json
import math
import time
from pathlib import Path
from typing import Any

import attrs
import msgspec
import numpy as np

from autocakechat import RunContext, StageError, UserError
from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.network.backend import tf
from autocakechat.plugins.trainers.cakechat.network.chunked_cross_entropy import summed_cross_entropy
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import (
    Arrays,
    get_weights,
    read_arrays,
    set_weights,
    write_arrays,
)
from autocakechat.plugins.trainers.cakechat.network.output_layer import Float32OutputLayer
from autocakechat.plugins.trainers.cakechat.network.packed_gru import Tensor
from autocakechat.plugins.trainers.cakechat.network.scorer import BATCH_SPEC, Scorer, decoder_states
from autocakechat.plugins.trainers.cakechat.training.history import History, Onlooker
from autocakechat.plugins.trainers.cakechat.training.optimizer import make_optimizer


@attrs.frozen(kw_only=True)
class Plan:
    """How to train.

    Attributes:
        epochs: Most passes over the samples.
        patience: Epochs without a better perplexity after which to stop.
        batch_size: Samples in a step.
        optimizer: "adam" or "adadelta".
        learning_rate: Length of a step.
        decay: Whether the learning rate rises in the first steps, and falls along a cosine in the others.
        warm_up: Steps in which it rises.
        clip_norm: Longest gradient over all weights, or None.
        clip_value: Largest number of a gradient, or None.
        dropout: Share of the decoder's outputs that are dropped.
        seed: Seed of shuffling and dropout.
        checkpoint_seconds: How often to save.
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


class Teacher:
    """Takes gradient steps.

    Args:
        network: What learns.
        plan: How.
        steps: Steps that the whole training may take, over which the learning rate falls.
    """

    def __init__(self, network: Network, plan: Plan, steps: int) -> None:
        self._network = network
        self._plan = plan
        self.optimizer = make_optimizer(plan.optimizer, plan.learning_rate, plan.decay, plan.warm_up, steps)
        self.optimizer.build(network.trainable_variables)
        self.train = tf.function(self._train, input_signature=[BATCH_SPEC], autograph=False)

    def _train(self, batch: Batch) -> Tensor:
        """Learns from a batch; returns its mean loss."""
        with tf.GradientTape() as tape:
            states = decoder_states(self._network, batch)
            if self._plan.dropout:
                seed = tf.stack([self._plan.seed, tf.cast(self.optimizer.iterations, tf.int32)])
                states = tf.nn.experimental.stateless_dropout(states, self._plan.dropout, seed)
            total = summed_cross_entropy(
                states, batch.replies.targets, self._network.output_kernel, self._network.output_bias
            )
            loss = total / tf.cast(tf.size(batch.replies.targets), tf.float32)
        variables = self._network.trainable_variables
        gradients = tape.gradient(loss, variables)
        if self._plan.clip_value is not None:
            gradients = [tf.clip_by_value(g, -self._plan.clip_value, self._plan.clip_value) for g in gradients]
        if self._plan.clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, self._plan.clip_norm)
        self.optimizer.apply(gradients, variables)
        return loss


class Training:
    """A training that can be left and taken up again.

    Args:
        network: What learns; ends with the best weights found.
        batcher: Makes batches.
        samples: What to learn from.
        validation: What to measure perplexity on.
        plan: How.
        run: Where to say how far it is.
        name: What is trained, "forward" or "reverse"; its checkpoints are named by it.
        fingerprint: What must be the same for a checkpoint to be of use.
        onlooker: Who is told how it goes.
    """

    def __init__(
        self,
        network: Network,
        batcher: Batcher,
        samples: Samples,
        validation: Samples,
        plan: Plan,
        run: RunContext,
        name: str,
        fingerprint: str,
        onlooker: Onlooker = Onlooker(),  # noqa: B008  it does not change
    ) -> None:
        self._network = network
        self._batcher = batcher
        self._samples = samples
        self._validation = validation
        self._plan = plan
        self._run = run
        self._fingerprint = fingerprint
        self._onlooker = onlooker
        self._name = name
        self._file = run.state / f"checkpoint-{name}.safetensors"
        self._teacher = Teacher(network, plan, self._last_step)
        self._scorer = Scorer(network, Float32OutputLayer(network), batcher.vocabulary.pad)
        self._epoch_loss = 0.0
        self.history = History()

    def run(self) -> History:
        """Trains until the perplexity gets no better or the epochs are over.

        Returns:
            What came of it.

        Raises:
            StageError: The loss is no number any more.
        """
        self._resume()
        started = time.monotonic() - self.history.seconds
        try:
            with self._run.progress(f"training the {self._name} model", total=self._last_step, unit="batches") as bar:
                bar.advance(self._step)
                while not self._finished():
                    self._train_epoch(bar, started)
                    self._end_epoch(bar, started)
                    self._save()
        except KeyboardInterrupt:
            self.history.seconds = time.monotonic() - started
            self._save()
            raise
        self._load_best()
        return self.history

    @property
    def _step(self) -> int:
        return int(self._teacher.optimizer.iterations)

    @property
    def _epoch_steps(self) -> int:
        return math.ceil(len(self._samples) / self._plan.batch_size)

    @property
    def _last_step(self) -> int:
        return self._plan.epochs * self._epoch_steps

    def _finished(self) -> bool:
        epochs = len(self.history.perplexities)
        return epochs >= self._plan.epochs or epochs - 1 - self.history.best >= self._plan.patience

    def _train_epoch(self, bar: Any, started: float) -> None:
        """Goes on from wherever the last step was to the end of the epoch."""
        epoch = len(self.history.perplexities)
        batches = self._batcher.epoch(self._samples, self._plan.batch_size, (self._plan.seed, epoch))
        saved = time.monotonic()
        for done, chosen in itertools.islice(enumerate(batches, 1), self._step - epoch * self._epoch_steps, None):
            loss = float(self._teacher.train(self._batcher.batch(self._samples, chosen)))
            self._check(loss)
            self._epoch_loss += loss
            self._note(loss)
            bar.advance(1, loss=f"{self._epoch_loss / done:.3f}", perplexity=self._last_perplexity())
            if time.monotonic() - saved > self._plan.checkpoint_seconds:
                self.history.seconds = time.monotonic() - started
                self._save()
                saved = time.monotonic()

    def _check(self, figure: float) -> None:
        if not math.isfinite(figure):
            raise StageError(
                f"the loss is {figure} after {self._step} steps: training went astray",
                f"lower trainer.learning_rate, which is {self._plan.learning_rate:g}, or set trainer.clip_norm",
            )

    def _note(self, loss: float) -> None:
        rate = lambda: float(self._teacher.optimizer.learning_rate)  # noqa: E731
        point = self.history.add_step(loss, self._step, self._last_step, rate)
        if point:
            self._onlooker.write("loss", point.loss, point.step)
            self._onlooker.write("learning rate", point.learning_rate, point.step)

    def _end_epoch(self, bar: Any, started: float) -> None:
        perplexity = self.perplexity(self._validation)
        self._check(perplexity)
        loss = self._epoch_loss / self._epoch_steps
        self._onlooker.write("perplexity", perplexity, self._step)
        seconds = time.monotonic() - started
        history = attrs.evolve(
            self.history,
            seconds=seconds,
            times=[*self.history.times, seconds],
            losses=[*self.history.losses, loss],
            perplexities=[*self.history.perplexities, perplexity],
            steps=[*self.history.steps, self._step],
            replies=[*self.history.replies, self._onlooker.replies()],
        )
        if history.best == len(history.perplexities) - 1:
            write_arrays(self._best_file(history.best), get_weights(self._network))
        # Only now, at once: whenever an interruption comes, the history speaks of weights that are on disk.
        self.history, self._epoch_loss = history, 0.0
        bar.advance(0, loss=f"{loss:.3f}", perplexity=self._last_perplexity())
        self._run.log.info("epoch %d: loss %.3f, perplexity %.1f", len(history.losses), loss, perplexity)

    def perplexity(self, samples: Samples) -> float:
        """Returns exp(-sum of log p / number of target tokens that are no pads)."""
        scores = [
            self._scorer.score(batch) for batch in self._batcher.batches_by_length(samples, self._plan.batch_size)
        ]
        log_p = sum(float(answers.sum()) for answers, _ in scores)
        loss = -log_p / max(1, sum(int(tokens.sum()) for _, tokens in scores))
        return math.exp(min(loss, 700.0)) if math.isfinite(loss) else math.nan

    def _last_perplexity(self) -> str:
        return f"{self.history.perplexities[-1]:.1f}" if self.history.perplexities else "-"

    # Checkpoints. The best weights lie in a file of their own, named by their epoch, so that a checkpoint never
    # speaks of weights that a later step has overwritten.

    def _best_file(self, epoch: int) -> Path:
        return self._run.state / f"best-{self._name}-{epoch}.safetensors"

    def _save(self) -> None:
        note = {
            "fingerprint": self._fingerprint,
            "history": json.dumps(attrs.asdict(self.history)),
            "epoch_loss": repr(self._epoch_loss),
        }
        write_arrays(self._file, get_weights(self._network) | self._optimizer_state(), note)
        for file in self._run.state.glob(f"best-{self._name}-*.safetensors"):
            if file != self._best_file(self.history.best):
                file.unlink()

    def _resume(self) -> None:
        for unfinished in self._run.state.glob("*.tmp"):  # what a killed training was writing
            unfinished.unlink()
        if not self._file.exists():
            return
        try:
            arrays, note = read_arrays(self._file)
            if note.get("fingerprint") != self._fingerprint:
                self._run.log.info("the checkpoint is of another training; starting anew")
                return
            set_weights(self._network, arrays, self._file)
        except UserError as error:
            self._run.log.warning("starting anew, since the checkpoint cannot be used: %s", error.message)
            return
        for name, variable in self._optimizer_variables().items():
            variable.assign(arrays[name])
        self.history = msgspec.json.decode(note["history"], type=History)
        self._epoch_loss = float(note["epoch_loss"])
        self._run.log.info("going on from step %d", self._step)

    def _load_best(self) -> None:
        file = self._best_file(self.history.best)
        arrays, _ = read_arrays(file)
        set_weights(self._network, arrays, file)

    def _optimizer_variables(self) -> dict[str, Any]:
        return {f"optimizer.{number}": variable for number, variable in enumerate(self._teacher.optimizer.variables)}

    def _optimizer_state(self) -> Arrays:
        return {name: np.asarray(variable.numpy()) for name, variable in self._optimizer_variables().items()}
