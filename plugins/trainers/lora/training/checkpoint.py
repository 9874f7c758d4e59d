"""Checkpoints: files from which an interrupted training resumes with exactly the same result."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from autocakechat import UserError
from autocakechat.plugins.trainers.lora.language_model.adapter import (
    adapter_weights,
    read_tensors,
    set_adapter_weights,
    write_tensors,
)
from autocakechat.plugins.trainers.lora.training.history import History

if TYPE_CHECKING:
    import torch

_MOMENTS = ("exp_avg", "exp_avg_sq")


class Checkpoints:
    """The checkpoint files of one training.

    `checkpoint.safetensors` contains the adapter, the optimizer's state and the history. The best adapter is in
    `best-NUMBER.safetensors`, with the number of its evaluation: a file each, so that no checkpoint refers to weights
    that are overwritten later.

    Args:
        folder: The folder for the files.
        fingerprint: Identifies the training; a checkpoint with another fingerprint is ignored.
        model: The model with the adapter in training.
        optimizer: AdamW over the weights of the adapter.
        log: Receives a line for a checkpoint that is resumed or ignored.
    """

    def __init__(
        self, folder: Path, fingerprint: str, model: Any, optimizer: torch.optim.AdamW, log: logging.Logger
    ) -> None:
        self._folder = folder
        self._file = folder / "checkpoint.safetensors"
        self._fingerprint = fingerprint
        self._model = model
        self._optimizer = optimizer
        self._log = log

    def save(self, history: History) -> None:
        """Writes a checkpoint, then removes best adapters that are no longer the best."""
        weights = adapter_weights(self._model)
        tensors: dict[str, torch.Tensor] = dict(weights)
        for name, weight in weights.items():
            state = self._optimizer.state.get(weight, {})
            tensors |= {f"{moment}/{name}": state[moment] for moment in _MOMENTS if moment in state}
        metadata = {"fingerprint": self._fingerprint, "history": msgspec.json.encode(history).decode()}
        write_tensors(self._file, tensors, metadata)
        for file in self._folder.glob("best-*.safetensors"):
            if file != self._best_file(history.best):
                file.unlink()

    def resume(self) -> History:
        """Restores the adapter and the optimizer's state from the checkpoint of this training.

        A checkpoint that is missing, damaged or of another training changes nothing.

        Returns:
            The history; an empty one if the training starts from the beginning.
        """
        for temporary in self._folder.glob("*.tmp"):  # left behind by a process that was killed while writing
            temporary.unlink()
        if not self._file.exists():
            return History()
        try:
            fingerprint, history = self._read_metadata()
            if fingerprint != self._fingerprint:
                self._log.info("starting over: the checkpoint was written with other options or another corpus")
                return History()
            if history.evaluations:  # a damaged one would be found only when the training ends
                read_tensors(self._best_file(history.best))
            self._restore(read_tensors(self._file), history.steps)
        except UserError as error:
            self._log.warning("starting over: the checkpoint cannot be used: %s", error.message)
            return History()
        self._log.info("resuming from step %d", history.steps)
        return history

    def save_best(self, number: int) -> None:
        """Saves the present adapter, that of the given evaluation, as the best one."""
        write_tensors(self._best_file(number), adapter_weights(self._model))

    def load_best(self, number: int) -> None:
        """Restores the best adapter.

        Raises:
            UserError: The file is missing or damaged.
        """
        file = self._best_file(number)
        set_adapter_weights(self._model, read_tensors(file), file)

    def _best_file(self, number: int) -> Path:
        return self._folder / f"best-{number}.safetensors"

    def _read_metadata(self) -> tuple[str, History]:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self._file, "pt") as file:
                metadata = file.metadata() or {}
            return metadata["fingerprint"], msgspec.json.decode(metadata["history"], type=History)
        except (OSError, KeyError, msgspec.DecodeError, SafetensorError) as error:
            raise UserError(f"{self._file}: damaged: {error}") from None

    def _restore(self, tensors: dict[str, torch.Tensor], steps: int) -> None:
        import torch

        weights = adapter_weights(self._model)
        moments = {name: {moment: tensors.pop(f"{moment}/{name}", None) for moment in _MOMENTS} for name in weights}
        if steps and any(tensor is None for state in moments.values() for tensor in state.values()):
            raise UserError(f"{self._file}: contains no state of the optimizer")
        set_adapter_weights(self._model, tensors, self._file)
        for name, weight in weights.items():
            if steps:
                state = {moment: tensor.to(weight.device) for moment, tensor in moments[name].items()}
                self._optimizer.state[weight] = {"step": torch.tensor(float(steps)), **state}
