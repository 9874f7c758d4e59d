"""What reading in other processes has in common: whether it is possible, and how such a process begins."""

from __future__ import annotations

import logging
import os
import pickle
import signal
from collections.abc import Callable
from typing import Any


def processors() -> int:
    """Returns how many processors there are for this process and those that it starts."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_picklable(stages: Any) -> bool:
    """Tells whether stages with their options can be sent to another process."""
    try:
        pickle.dumps(stages)
    except Exception:  # whatever a plugin's object raises: it stays in this process
        return False
    return True


def end_with_signals() -> None:
    """Makes this process, which another one started, end at once when it is told to."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def log_to(tell: Callable[[int, str], object]) -> None:
    """Hands what is logged in this process to somebody else, who logs it again in another one.

    Args:
        tell: Called with the level and the message.
    """
    logger = logging.getLogger("autocakechat")
    logger.handlers[:] = [_Teller(tell)]
    logger.setLevel(logging.INFO)


class _Teller(logging.Handler):
    def __init__(self, tell: Callable[[int, str], object]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.levelno, record.getMessage())
