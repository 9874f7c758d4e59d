"""The training loop: gradient steps, validation after each epoch, early stopping, checkpoints.

All randomness derives from (seed, epoch) or (seed, step), and a checkpoint holds everything else. A training that was
interrupted and resumed therefore ends with the same weights as one that was not.
"""

from __future__ import annotations

import itertools
import math
import time

import attrs

from autocakechat import Progress, RunContext, UserError
from autocakechat.plugins.trainers.cakechat.data.samples import Samples
from autocakechat.plugins.trainers.cakechat.training.checkpoint import Checkpoints
from autocakechat.plugins.trainers.cakechat.training.monitoring.history import History, TrainingCallbacks
from autocakechat.plugins.trainers.cakechat.training.train_step import TrainingConfig, TrainStep
from autocakechat.plugins.trainers.cakechat.training.training_set import TrainingSet, training_fingerprint
from autocakechat.plugins.trainers.cakechat.training.workers.group import WorkerGroup
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.scorer import BatchScorer

_MAX_CROSS_ENTROPY = 700.0
"""exp overflows a float just above."""

_VALIDATION_COST = 1 / 3
"""Time of validating a mini-batch, in gradient steps: the forward pass, without the backward pass."""

_MAX_MEASURED_STEPS = 10
_MEASURED_FRACTION = 0.05
"""The measured steps are not part of the training, so they must be few."""


class TrainingLoop:
    """Trains one network; can be interrupted and resumed.

    Early stopping: with PP_e the validation perplexity after epoch e and e* = argmin_e PP_e, training ends after
    epoch e if e - e* ≥ `patience`, or after `epochs`; the weights of epoch e* are kept.

    Args:
        network: The network, with its initial weights; ends with the best weights.
        data: Training and validation samples.
        config: How to train.
        run: Log, progress display and the folder for checkpoints.
        callbacks: Called during training.
        group: The workers that train the network together.

    Attributes:
        history: The history so far.
    """

    def __init__(
        self,
        network: TrainableNetwork,
        data: TrainingSet,
        config: TrainingConfig,
        run: RunContext,
        callbacks: TrainingCallbacks | None = None,
        group: WorkerGroup | None = None,
    ) -> None:
        self._network = network
        self._data = data
        self._config = config
        self._run = run
        self._callbacks = callbacks or TrainingCallbacks()
        self._group = group or WorkerGroup()
        self._steps_per_epoch = math.ceil(len(data.samples) / config.batch_size)
        self._total_steps = config.epochs * self._steps_per_epoch
        self._train_step = TrainStep(network, config, self._total_steps, self._group)
        self._score = BatchScorer(network, data.batcher.vocabulary.pad)
        self._checkpoints = Checkpoints(
            run.state,
            data.name,
            training_fingerprint(network, data, config),
            network,
            self._train_step.optimizer,
            run.log,
            self._group,
        )
        self._epoch_loss = 0.0  # sum over the mini-batches of the unfinished epoch
        self._started = 0.0
        self.history = History()

    def resume(self) -> None:
        """Continues from the checkpoint of this training, if there is one."""
        self.history, self._epoch_loss = self._checkpoints.resume()

    def estimate_seconds_left(self) -> float:
        """Estimates the time of the rest of the training from a few gradient steps, which are undone.

        The validation and the sample replies are compiled, too, at the end of the first epoch. That takes about as long
        as compiling the gradient step.
        """
        if self._finished():
            return 0.0
        config, data = self._config, self._data
        steps_left = self._total_steps - self._train_step.steps
        measured_steps = max(1, min(_MAX_MEASURED_STEPS, round(_MEASURED_FRACTION * steps_left)))
        first, *others = data.batcher.epoch(data.samples, config.batch_size, (config.seed, self.history.epochs))
        chosen = [first, first, *others][: 1 + measured_steps]
        batches = (data.batcher.batch(data.samples, self._group.part(rows)) for rows in chosen)
        compilation_seconds, step_seconds = self._train_step.measure_seconds(batches)
        validated = (config.epochs - self.history.epochs) * len(data.validation)
        return compilation_seconds + step_seconds * (steps_left + _VALIDATION_COST * validated / config.batch_size)

    def run(self) -> History:
        """Trains until early stopping or until all epochs are finished; call `resume` before.

        Returns:
            The history.

        Raises:
            UserError: The training diverged: the loss is NaN or infinite.
        """
        self._started = time.monotonic() - self.history.seconds
        title = f"training the {self._data.name} model"
        try:
            with self._run.progress(title, total=self._total_steps, unit="batches") as progress:
                progress.advance(self._train_step.steps)
                while not self._finished():
                    self._train_epoch(progress)
                    self._end_epoch(progress)
                    self._save_checkpoint()
        except KeyboardInterrupt:
            self.history.seconds = self._elapsed()
            self._save_checkpoint()
            raise
        self._checkpoints.load_best(self.history.best_epoch)
        return self.history

    def perplexity(self, samples: Samples) -> float:
        """Returns PP = exp(-1/N Σ_t log p(w_t | …)) over the N target tokens of all samples, pads excluded."""
        log_p, target_tokens = 0.0, 0.0
        batches = self._data.batcher.batches_by_length(samples, self._config.batch_size)
        for batch in itertools.islice(batches, self._group.rank, None, self._group.size):
            batch_log_p, batch_tokens = self._score(batch)
            log_p += batch_log_p
            target_tokens += batch_tokens
        log_p, target_tokens = self._group.total([log_p, target_tokens])
        cross_entropy = -log_p / max(1, target_tokens)
        return math.exp(min(cross_entropy, _MAX_CROSS_ENTROPY)) if math.isfinite(cross_entropy) else math.nan

    def _finished(self) -> bool:
        history, config = self.history, self._config
        return history.epochs >= config.epochs or history.epochs_without_improvement >= config.patience

    def _train_epoch(self, progress: Progress) -> None:
        """Trains to the end of the epoch, from its first mini-batch that was not trained on before an interruption."""
        config, data, epoch = self._config, self._data, self.history.epochs
        batches = data.batcher.epoch(data.samples, config.batch_size, (config.seed, epoch))
        steps_done = self._train_step.steps - epoch * self._steps_per_epoch
        last_checkpoint = time.monotonic()
        for step_in_epoch, sample_indices in enumerate(batches[steps_done:], steps_done + 1):
            loss = self._train_step(data.batcher.batch(data.samples, self._group.part(sample_indices)))
            self._raise_if_diverged(loss)
            self._epoch_loss += loss
            self._record_step(loss)
            mean_loss = self._epoch_loss / step_in_epoch
            progress.advance(1, loss=f"{mean_loss:.3f}", perplexity=self._last_perplexity())
            if time.monotonic() - last_checkpoint > config.checkpoint_seconds:
                self.history.seconds = self._elapsed()
                self._save_checkpoint()
                last_checkpoint = time.monotonic()

    def _record_step(self, loss: float) -> None:
        step = self._train_step.steps
        point = self.history.add_step(loss, step, self._total_steps, lambda: self._train_step.learning_rate)
        if point:
            self._callbacks.log_scalar("loss", point.loss, point.step)
            self._callbacks.log_scalar("learning rate", point.learning_rate, point.step)

    def _end_epoch(self, progress: Progress) -> None:
        perplexity = self.perplexity(self._data.validation)
        self._raise_if_diverged(perplexity)
        loss = self._epoch_loss / self._steps_per_epoch
        step = self._train_step.steps
        self._callbacks.log_scalar("perplexity", perplexity, step)
        seconds = self._elapsed()
        history = attrs.evolve(
            self.history,
            seconds=seconds,
            times=[*self.history.times, seconds],
            losses=[*self.history.losses, loss],
            perplexities=[*self.history.perplexities, perplexity],
            steps=[*self.history.steps, step],
            replies=[*self.history.replies, self._callbacks.sample_replies()],
        )
        if history.epochs_without_improvement == 0:
            self._checkpoints.save_best(history.best_epoch)
        # Assigned last and at once: after an interruption at any point, the best weights of `history` are on disk.
        self.history, self._epoch_loss = history, 0.0
        progress.advance(0, loss=f"{loss:.3f}", perplexity=self._last_perplexity())
        self._run.log.info("epoch %d: loss %.3f, perplexity %.1f", history.epochs, loss, perplexity)

    def _raise_if_diverged(self, value: float) -> None:
        if not math.isfinite(value):
            raise UserError(
                f"training diverged: the loss is {value} after {self._train_step.steps} steps",
                f"lower trainer.learning_rate, which is {self._config.learning_rate:g}, or set trainer.clip_norm",
            )

    def _save_checkpoint(self) -> None:
        self._checkpoints.save(self.history, self._epoch_loss)

    def _elapsed(self) -> float:
        """Seconds of training so far, those before an interruption included."""
        return time.monotonic() - self._started

    def _last_perplexity(self) -> str:
        return f"{self.history.perplexities[-1]:.1f}" if self.history.perplexities else "-"
