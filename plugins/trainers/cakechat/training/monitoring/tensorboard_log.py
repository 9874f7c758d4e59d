"""Training curves for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf


def open_scalar_log(folder: Path) -> Callable[[str, float, int], None]:
    """Opens a TensorBoard event file.

    Args:
        folder: The folder for the event file of one network; `tensorboard --logdir` takes its parent.

    Returns:
        A function that writes a scalar: its name, its value, and the step.

    Raises:
        UserError: The folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writer = tf.summary.create_file_writer(str(folder))
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"{folder}: cannot be written: {error}", "set trainer.tensorboard to another folder") from None

    def log_scalar(name: str, value: float, step: int) -> None:
        with writer.as_default():
            tf.summary.scalar(name, value, step=step)
        writer.flush()

    return log_scalar
