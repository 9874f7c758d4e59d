"""Checkpoints: files from which an interrupted training resumes with exactly the same result."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import msgspec
import numpy as np

from autocakechat import UserError, damaged_file
from autocakechat.plugins.trainers.cakechat.network.weight_files import read_arrays, write_arrays
from autocakechat.plugins.trainers.cakechat.training.monitoring.history import History
from autocakechat.plugins.trainers.cakechat.training.workers.group import WorkerGroup
from autocakechat.plugins.trainers.cakechat.training_network.hred import TrainableNetwork
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision
from autocakechat.plugins.trainers.cakechat.training_network.weights import assign_arrays, get_weights, set_weights

_PRECISION = "precision"


def recorded_precision(folder: Path) -> Precision | None:
    """Returns the number format of the training that wrote the checkpoints in a folder; None without a readable one.

    Checkpoints of earlier versions, which name none, were trained in float32.
    """
    files = [file for name in ("forward", "reverse") if (file := _checkpoint_file(folder, name)).exists()]
    for file in files:
        with suppress(UserError):
            return "bfloat16" if read_arrays(file)[1].get(_PRECISION) == "bfloat16" else "float32"
    return None


def _checkpoint_file(folder: Path, name: str) -> Path:
    return folder / f"checkpoint-{name}.safetensors"


class Checkpoints:
    """The checkpoint files of one training.

    `checkpoint-NAME.safetensors` holds the newest weights, the optimizer's state and the history. The best weights are
    in `best-NAME-EPOCH.safetensors`: a file per epoch, so that no checkpoint refers to weights that are overwritten
    later.

    Args:
        folder: The folder for the files.
        name: "forward" or "reverse".
        fingerprint: Identifies the training; a checkpoint with another fingerprint is ignored.
        network: The network in training.
        optimizer: Its Keras optimizer.
        log: Receives a line for each checkpoint that is resumed or ignored.
        group: The workers. Only the chief reads and writes files; the others get what it has read.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        fingerprint: str,
        network: TrainableNetwork,
        optimizer: Any,
        log: logging.Logger,
        group: WorkerGroup,
    ) -> None:
        self._folder = folder
        self._name = name
        self._file = _checkpoint_file(folder, name)
        self._fingerprint = fingerprint
        self._network = network
        self._optimizer = optimizer
        self._log = log
        self._group = group

    def save(self, history: History, epoch_loss: float) -> None:
        """Writes a checkpoint, then removes best weights that are no longer the best.

        Args:
            history: The history so far.
            epoch_loss: Sum of the losses of the mini-batches of the unfinished epoch.
        """
        if not self._group.is_chief:
            return
        optimizer_state = {name: np.asarray(value.numpy()) for name, value in self._optimizer_variables().items()}
        metadata = {
            "fingerprint": self._fingerprint,
            _PRECISION: self._network.precision,
            "history": json.dumps(attrs.asdict(history)),
            "epoch_loss": repr(epoch_loss),  # all digits: a resumed training reports the same loss
        }
        write_arrays(self._file, get_weights(self._network) | optimizer_state, metadata)
        for file in self._folder.glob(f"best-{self._name}-*.safetensors"):
            if file != self._best_file(history.best_epoch):
                file.unlink()

    def resume(self) -> tuple[History, float]:
        """Restores weights and optimizer state from the checkpoint of this training.

        A checkpoint that is missing, damaged or incomplete, or that belongs to another training, changes nothing.

        Returns:
            The history, and the sum of the losses of the mini-batches of the unfinished epoch; an empty history and 0
            if the training starts from the beginning.
        """
        progress = self._read() if self._group.is_chief else (History(), 0.0)
        self._group.share_variables([*self._network.trainable_variables, *self._optimizer.variables])
        return msgspec.json.decode(
            self._group.share_text(msgspec.json.encode(progress).decode()), type=tuple[History, float]
        )

    def _read(self) -> tuple[History, float]:
        for temporary in self._folder.glob("*.tmp"):  # left behind by a process that was killed while writing
            temporary.unlink()
        if not self._file.exists():
            return History(), 0.0
        try:
            arrays, metadata = read_arrays(self._file)
            if metadata.get("fingerprint") != self._fingerprint:
                self._log.info("starting over: the checkpoint was written with other options or another corpus")
                return History(), 0.0
            history, epoch_loss = self._parse_progress(metadata)
            assign_arrays(self._network.named_weights() | self._optimizer_variables(), arrays, self._file)
        except UserError as error:
            self._log.warning("starting over: the checkpoint cannot be used: %s", error.message)
            return History(), 0.0
        self._log.info("resuming from step %d", int(self._optimizer.iterations))
        return history, epoch_loss

    def _parse_progress(self, metadata: dict[str, str]) -> tuple[History, float]:
        """Returns the history and the loss of the unfinished epoch.

        Raises:
            UserError: One of them is missing or invalid.
        """
        try:
            return msgspec.json.decode(metadata["history"], type=History), float(metadata["epoch_loss"])
        except (KeyError, ValueError) as error:  # msgspec's errors are ValueErrors
            raise damaged_file(self._file, f"invalid metadata: {error}") from None

    def save_best(self, epoch: int) -> None:
        """Saves the current weights, those after the given epoch, as the best ones."""
        if self._group.is_chief:
            write_arrays(self._best_file(epoch), get_weights(self._network))

    def load_best(self, epoch: int) -> None:
        """Restores the weights of the best epoch.

        Raises:
            UserError: The file is missing or damaged.
        """
        if self._group.is_chief:
            file = self._best_file(epoch)
            arrays, _ = read_arrays(file)
            set_weights(self._network, arrays, file)
        self._group.share_variables(self._network.trainable_variables)

    def _best_file(self, epoch: int) -> Path:
        return self._folder / f"best-{self._name}-{epoch}.safetensors"

    def _optimizer_variables(self) -> dict[str, Any]:
        return {f"optimizer.{index}": variable for index, variable in enumerate(self._optimizer.variables)}
