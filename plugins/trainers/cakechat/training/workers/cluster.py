"""The workers that `TF_CONFIG` lists, the environment variable of TensorFlow's own distributed training.

Kubernetes' training operator and Ray set it for each process:

    {"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

import attrs
import msgspec

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.training.workers.group import (
    CollectiveGroup,
    WorkerGroup,
    lost_workers_as_error,
)
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf

VARIABLE = "TF_CONFIG"
_HINT = "set it as TensorFlow documents it, or unset it to train with one process"
_JOBS = ("chief", "worker")


class _Task(msgspec.Struct):
    type: str = ""
    index: int = 0


class _Config(msgspec.Struct):
    cluster: dict[str, list[str]] = {}
    task: _Task = msgspec.field(default_factory=_Task)


@attrs.frozen
class Place:
    """The place of this process among the workers.

    Attributes:
        rank: Its number; the chief is 0.
        size: Number of workers.
    """

    rank: int
    size: int


def read_place(environment: Mapping[str, str]) -> Place:
    """Returns the place of this process among the workers of `TF_CONFIG`; alone without the variable.

    Raises:
        UserError: The variable is invalid, or the process is neither the chief nor a worker.
    """
    try:
        config = msgspec.json.decode(environment.get(VARIABLE) or "{}", type=_Config)
    except msgspec.DecodeError as error:
        raise UserError(f"environment variable {VARIABLE}: {error}", _HINT) from None
    tasks = [(job, index) for job in _JOBS for index in range(len(config.cluster.get(job, ())))]
    if not tasks:
        return Place(0, 1)
    if (config.task.type, config.task.index) not in tasks:
        task = f"task {config.task.type!r} {config.task.index}"
        raise UserError(f"environment variable {VARIABLE}: {task} is not one of the {len(tasks)} workers", _HINT)
    return Place(tasks.index((config.task.type, config.task.index)), len(tasks))


def join_group(log: logging.Logger, environment: Mapping[str, str] = os.environ) -> WorkerGroup:
    """Returns the group of workers of `TF_CONFIG`, after all of them have started. TensorFlow must not be used before.

    Args:
        log: Receives a line before the wait for the other workers.
        environment: The environment variables.

    Raises:
        UserError: The variable is invalid.
        StageError: The other workers cannot be reached.
    """
    place = read_place(environment)
    if place.size == 1:
        return WorkerGroup()
    log.info("worker %d of %d: waiting for the other workers", place.rank + 1, place.size)
    tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:1], "GPU")  # one device per worker
    with lost_workers_as_error():
        return CollectiveGroup(place.rank, place.size, tf.distribute.MultiWorkerMirroredStrategy())
