"""Connects to a Ray cluster, and turns the errors of Ray into one line each."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from autocakechat.cluster.options import ClusterOptions
from autocakechat.errors import AccError, StageError, UserError

_SECONDS_TO_REACH = 5.0
_START = "start Ray there: ray start --head"


def problem_of_cluster(options: ClusterOptions) -> str | None:
    """Returns what keeps this machine from using the cluster, if that can be found out quickly; otherwise None."""
    if find_spec("ray") is None or find_spec("fsspec") is None:
        return "needs ray; run: pip install 'autocakechat[ray]'"
    host, colon, port = options.address.removeprefix("ray://").rpartition(":")
    if not colon:
        return None
    try:
        socket.create_connection((host, int(port)), _SECONDS_TO_REACH).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        return f"cannot connect to {options.address}: {reason}; {_START}"
    return None


@contextmanager
def connected(options: ClusterOptions) -> Iterator[None]:
    """Connects this process to the cluster while the block runs.

    Raises:
        UserError: There is no such cluster, or it cannot be used.
        StageError: The cluster failed while the block ran.
    """
    if problem := problem_of_cluster(options):
        raise UserError(f"cluster: {problem}")
    # A cluster that is started here sends no statistics to the makers of Ray.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    here = {} if options.address.startswith("ray://") else {"logging_level": logging.ERROR, "include_dashboard": False}
    with _unchanged_signals():
        try:
            ray.init(options.address, log_to_driver=False, **here)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = _first_line(error)
            raise UserError(f"cluster: cannot use {options.address}: {reason}", _START) from error
    _silence_messages()
    try:
        with ray_errors():
            yield
    finally:
        ray.shutdown()


@contextmanager
def ray_errors() -> Iterator[None]:
    """Turns the errors of Ray in the block into errors with one line.

    Raises:
        StageError: A machine or the connection failed.
    """
    import ray

    try:
        yield
    except ray.exceptions.RayTaskError as error:  # also an instance of the error that it reports
        if isinstance(error.cause, AccError):
            raise error.cause from error
        raise
    except (ray.exceptions.RayError, ConnectionError) as error:
        raise StageError(
            f"the Ray cluster failed: {_first_line(error)}", "check the machines of the cluster"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@contextmanager
def _unchanged_signals() -> Iterator[None]:
    """Keeps the handler of SIGTERM, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def _silence_messages() -> None:
    """Keeps Ray from printing pages about a lost machine: its work is done elsewhere, or an error reports it."""
    from ray._private import worker

    # Ray has no setting for this. The function is not public: if it is renamed, the pages are printed again.
    setattr(worker, "print_to_stdstream", _print_nothing)  # noqa: B010 - untyped


def _print_nothing(*_: object, **__: object) -> None:
    pass
