"""Writes the curves of a training down for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.network.backend import tf


def board(folder: Path) -> Callable[[str, float, int], None]:
    """Opens a log.

    Args:
        folder: The folder of this training; `tensorboard --logdir` is given the one above it.

    Returns:
        What takes a figure: its name, its value, and the step.

    Raises:
        UserError: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writer = tf.summary.create_file_writer(str(folder))
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"{folder}: cannot be written: {error}", "set trainer.tensorboard to another folder") from None

    def write(name: str, value: float, step: int) -> None:
        with writer.as_default():
            tf.summary.scalar(name, value, step=step)
        writer.flush()

    return write
