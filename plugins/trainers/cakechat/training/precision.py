"""Chooses the number format of matrix products: `precision = "auto"`."""

from __future__ import annotations

from typing import Literal

from autocakechat import RunContext, multiplies_bfloat16
from autocakechat.plugins.trainers.cakechat.training.checkpoint import recorded_precision
from autocakechat.plugins.trainers.cakechat.training.workers.group import WorkerGroup
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.products import Precision

_COMPUTE_CAPABILITY = (8, 0)
"""The first NVIDIA GPUs that multiply bfloat16: Ampere."""


def choose_precision(
    wanted: Literal["auto", "float32", "bfloat16"], run: RunContext, group: WorkerGroup | None = None
) -> Precision:
    """Returns the number format of a training. An interrupted training keeps the one that it began with.

    Args:
        wanted: The option `precision`.
        run: The log, and the folder with the checkpoint.
        group: The workers; the chief chooses for all.
    """
    if wanted != "auto":
        return wanted
    native: Precision = "bfloat16" if _hardware_multiplies_bfloat16() else "float32"
    chosen = recorded_precision(run.state) or native
    precision: Precision = "bfloat16" if (group or WorkerGroup()).share_text(chosen) == "bfloat16" else "float32"
    if precision == "bfloat16" != native:
        run.log.warning("the training is in bfloat16, which this machine emulates slowly")
    return precision


def _hardware_multiplies_bfloat16() -> bool:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return multiplies_bfloat16()
    details = (tf.config.experimental.get_device_details(gpu) for gpu in gpus)
    return all(detail.get("compute_capability", (0, 0)) >= _COMPUTE_CAPABILITY for detail in details)
