"""What the worker processes for reading have in common: when they are possible, their signals, logs and failures."""

from __future__ import annotations

import logging
import os
import pickle
import signal
from collections.abc import Callable, Sequence

import msgspec

from autocakechat.errors import StageError
from autocakechat.interface.stage_types import Input


class LogRecord(msgspec.Struct, frozen=True):
    """A log record on its way from a worker process to the main process.

    Attributes:
        level: A level of `logging`.
        message: The formatted message.
    """

    level: int
    message: str

    def replay(self, log: logging.Logger) -> None:
        """Logs the record in this process."""
        log.log(self.level, "%s", self.message)


def available_cpus() -> int:
    """Returns the number of CPUs that this process and its children may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def total_size(inputs: Sequence[Input]) -> int:
    """Returns the size of all files of some inputs, in bytes."""
    return sum(path.stat().st_size for entry in inputs for path in entry.paths)


def is_picklable(stages: object) -> bool:
    """Returns whether stages with their options can be sent to another process."""
    try:
        pickle.dumps(stages)
    except Exception:  # an object of a plugin may raise anything
        return False
    return True


def worker_killed() -> StageError:
    """Makes the error for a worker process that ended without a result."""
    return StageError("a worker process was killed while reading", "the machine may be out of memory")


def restore_default_signals() -> None:
    """Makes SIGINT and SIGTERM end this worker process at once, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def forward_logs(send: Callable[[LogRecord], object]) -> None:
    """Sends everything that autocakechat logs in this worker process to the main process.

    Args:
        send: Called with each record.
    """
    logger = logging.getLogger("autocakechat")
    logger.handlers[:] = [_ForwardingHandler(send)]
    logger.setLevel(logging.INFO)


class _ForwardingHandler(logging.Handler):
    def __init__(self, send: Callable[[LogRecord], object]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(LogRecord(record.levelno, record.getMessage()))
