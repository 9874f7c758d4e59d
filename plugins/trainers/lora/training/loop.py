"""The training loop: gradient steps, evaluations on held-out replies, early stopping, checkpoints.

All randomness derives from (seed, epoch) or (seed, step), and a checkpoint contains everything else. A training that
was interrupted and resumed therefore ends with the same adapter as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from autocakechat import Progress, RunContext, UserError
from autocakechat.plugins.trainers.lora.language_model.adapter import adapter_weights
from autocakechat.plugins.trainers.lora.language_model.likelihood import logits_function, negative_log_likelihood
from autocakechat.plugins.trainers.lora.training.batches import make_batches, to_tensors
from autocakechat.plugins.trainers.lora.training.checkpoint import Checkpoints
from autocakechat.plugins.trainers.lora.training.history import Evaluation, History
from autocakechat.plugins.trainers.lora.training.process_group import ProcessGroup
from autocakechat.plugins.trainers.lora.training.windows import Window

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_EVALUATIONS_PER_EPOCH = 4
_LOSSES_PER_EPOCH = 40
_LAST_RATE = 0.1
"""The share of the learning rate at the end of the cosine."""


@attrs.frozen
class TrainingConfig:
    """How to train.

    Attributes:
        epochs: Maximum number of epochs; may be a fraction.
        patience: Evaluations without improvement before the training ends.
        step_tokens: Tokens in a gradient step.
        learning_rate: The learning rate after the warm-up.
        warm_up: Steps of the warm-up.
        clip_norm: The maximum global norm of the gradient.
        seed: The seed.
        checkpoint_seconds: The time between checkpoints.
        bfloat16: Whether matrices are multiplied in bfloat16.
    """

    epochs: float
    patience: int
    step_tokens: int
    learning_rate: float
    warm_up: int
    clip_norm: float
    seed: int
    checkpoint_seconds: float
    bfloat16: bool


@attrs.frozen
class TrainingData:
    """What to learn.

    Attributes:
        windows: The windows of the training part.
        held_out: The windows that are evaluated on; may be empty.
        pad: The token that pads windows.
        fingerprint: Identifies the data, the base and the options.
    """

    windows: Sequence[Window]
    held_out: Sequence[Window]
    pad: int
    fingerprint: str


class TrainingLoop:
    """Trains an adapter; can be interrupted and resumed.

    Args:
        model: The model with the adapter; ends with the best weights.
        data: The windows.
        config: How to train.
        run: Log, progress display and the folder for checkpoints.
        group: The processes that train together.
        sample_replies: Replies to the same few held-out contexts, with the present adapter.

    Attributes:
        history: The course so far.
        total_steps: The number of steps unless the training ends early.
    """

    def __init__(
        self,
        model: Any,
        data: TrainingData,
        config: TrainingConfig,
        run: RunContext,
        group: ProcessGroup,
        sample_replies: Callable[[], list[str]] = list,
    ) -> None:
        import torch

        self._model = model
        self._data = data
        self._config = config
        self._run = run
        self._group = group
        self._sample_replies = sample_replies
        self._device = next(model.parameters()).device
        self._lengths = [len(window.ids) for window in data.windows]
        self._steps_per_epoch = len(make_batches(self._lengths, config.step_tokens, config.seed, 0))
        self.total_steps = max(1, round(config.epochs * self._steps_per_epoch))
        self._weights = list(adapter_weights(model).values())
        self._optimizer = torch.optim.AdamW(self._weights, lr=config.learning_rate, weight_decay=0.0)
        with self._autocast():
            self._logits_at = logits_function(model)
        self._checkpoints = Checkpoints(run.state, data.fingerprint, model, self._optimizer, run.log)
        self._started = 0.0
        self._updating = False  # between the first changed weight and the history that counts the step
        self.history = History()

    def run(self) -> History:
        """Trains, from the checkpoint of this training if there is one, until the steps are done or nothing improves.

        Raises:
            UserError: The training diverged: the loss is NaN or infinite.
        """
        self.history = self._checkpoints.resume()
        self._started = time.monotonic() - self.history.seconds
        try:
            with self._run.progress("training the adapter", total=self.total_steps, unit="steps") as progress:
                progress.advance(self.history.steps)
                self._train(progress)
        except KeyboardInterrupt:
            if not self._updating:
                self._save()
            raise
        self._save()
        if self._data.held_out:
            self._checkpoints.load_best(self.history.best)
        return self.history

    def _train(self, progress: Progress) -> None:
        batches = self._batches()
        last_checkpoint = time.monotonic()
        while True:
            if self._evaluation_is_due():
                self._evaluate()
            if self.history.without_improvement >= self._config.patience:
                break
            batch = next(batches, None)
            if batch is None:
                break
            loss = self._step([self._data.windows[number] for number in batch])
            progress.advance(1, **self._figures(loss))
            if time.monotonic() - last_checkpoint > self._config.checkpoint_seconds:
                self._save()
                last_checkpoint = time.monotonic()

    def _evaluation_is_due(self) -> bool:
        """Returns whether the held-out replies are measured at this step. Step 0 is the base without an adapter."""
        if not self._data.held_out or self._is_evaluated():
            return False
        interval = math.ceil(min(self.total_steps, self._steps_per_epoch) / _EVALUATIONS_PER_EPOCH)
        return self.history.steps % interval == 0 or self.history.steps == self.total_steps

    def _is_evaluated(self) -> bool:
        return any(found.step == self.history.steps for found in self.history.evaluations[-1:])

    def _batches(self) -> Iterator[list[int]]:
        """Yields the batches that have not been trained on."""
        step = 0
        for epoch in range(math.ceil(self._config.epochs) + 1):
            for batch in make_batches(self._lengths, self._config.step_tokens, self._config.seed, epoch):
                if step >= self.total_steps:
                    return
                if step >= self.history.steps:
                    yield batch
                step += 1

    def _step(self, windows: Sequence[Window]) -> float:
        """Takes a gradient step; returns the mean loss of a learnt token."""
        import torch

        began = time.monotonic()
        learnt = sum(len(window.targets) for window in windows)
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * self._schedule(self.history.steps)
        self._model.train()
        with torch.random.fork_rng():
            torch.manual_seed(self._config.seed * 1_000_003 + self.history.steps)  # type: ignore[no-untyped-call,unused-ignore]
            own_loss = self._backward(self._group.part(windows), learnt)
        self._group.sum_gradients(self._weights)
        (value,) = self._group.sum_numbers(own_loss)
        if not math.isfinite(value):
            raise UserError(
                f"training diverged: the loss is {value} after {self.history.steps} steps",
                f"lower trainer.learning_rate, which is {self._config.learning_rate:g}",
            )
        torch.nn.utils.clip_grad_norm_(self._weights, self._config.clip_norm)
        self._updating = True
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.history = self._with_step(value, windows, time.monotonic() - began)
        self._updating = False
        return value

    def _backward(self, windows: Sequence[Window], learnt: int) -> float:
        """Adds the gradient of the loss of some windows, the sum over their tokens divided by a number of tokens."""
        if not windows:
            return 0.0
        ids, targets = to_tensors(windows, self._data.pad, self._device)
        with self._autocast():
            loss = negative_log_likelihood(self._logits_at, ids, targets).sum() / learnt
        loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
        return float(loss.detach())

    def _schedule(self, step: int) -> float:
        """Returns the share of the learning rate: a linear warm-up, then a cosine to a tenth."""
        warm_up = min(self._config.warm_up, self.total_steps // 2)
        if step < warm_up:
            return (step + 1) / (warm_up + 1)
        done = (step - warm_up) / max(1, self.total_steps - warm_up)
        return _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))

    def _with_step(self, loss: float, windows: Sequence[Window], seconds: float) -> History:
        history = self.history
        learnt = sum(len(window.targets) for window in windows)
        total, count = history.recent[0] + loss * learnt, history.recent[1] + learnt
        losses, step = history.losses, history.steps + 1
        if step % max(1, self._steps_per_epoch // _LOSSES_PER_EPOCH) == 0:
            losses, total, count = [*losses, (step, total / count)], 0.0, 0
        return attrs.evolve(
            history,
            steps=step,
            losses=losses,
            recent=(total, count),
            tokens=history.tokens + sum(len(window.ids) for window in windows),
            seconds=time.monotonic() - self._started,
            step_seconds=history.step_seconds + seconds,
        )

    def _evaluate(self) -> None:
        """Measures the held-out replies, and keeps the adapter if it is the best so far."""
        bits, perplexity = self.measure(self._data.held_out)
        if not math.isfinite(bits):
            raise UserError("training diverged: held-out replies are impossible", "lower trainer.learning_rate")
        with self._autocast():
            replies = self._sample_replies()
        found = Evaluation(self.history.steps, bits, perplexity, replies)
        history = attrs.evolve(self.history, evaluations=[*self.history.evaluations, found])
        if history.without_improvement == 0:
            self._checkpoints.save_best(history.best)
        self.history = history
        self._run.log.info("step %d: %.3f bits a character, perplexity %.1f", found.step, bits, perplexity)

    def measure(self, windows: Sequence[Window]) -> tuple[float, float]:
        """Returns the bits per character of the replies in windows, and the perplexity per token."""
        import torch

        self._model.eval()
        total, tokens = 0.0, 0.0
        batches = make_batches([len(window.ids) for window in windows], self._config.step_tokens, 0, 0)
        with torch.inference_mode(), self._autocast():
            for batch in self._group.part(batches):
                ids, targets = to_tensors([windows[number] for number in batch], self._data.pad, self._device)
                total += float(negative_log_likelihood(self._logits_at, ids, targets).double().sum())
                tokens += int(targets.sum())
        total, tokens = self._group.sum_numbers(total, tokens)
        characters = sum(window.characters for window in windows)
        return total / math.log(2) / max(1, characters), math.exp(min(700.0, total / tokens))

    def _figures(self, loss: float) -> dict[str, float | str]:
        history = self.history
        figures: dict[str, float | str] = {"loss": f"{loss:.2f}"}
        if history.evaluations:
            figures["bits a character"] = f"{history.evaluations[-1].bits_per_character:.3f}"
        return figures | {"tokens/s": f"{history.tokens_per_second:.0f}"}

    def _save(self) -> None:
        self.history.seconds = time.monotonic() - self._started
        self._checkpoints.save(self.history)

    def _autocast(self) -> AbstractContextManager[Any]:
        import torch

        autocast: AbstractContextManager[Any] = torch.autocast(
            self._device.type, torch.bfloat16, enabled=self._config.bfloat16
        )
        return autocast
