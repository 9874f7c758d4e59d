"""Keeps standard output free for the results of commands, which programs may parse."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Sends what the block writes to standard output to standard error. Use it around code of plugins.

    Output of native code and of child processes is redirected, too, unless `sys.stdout` is not a file of the operating
    system, as in tests.
    """
    stdout, stderr = sys.stdout, sys.stderr
    if stdout is None or stderr is None:  # the program was started without one of them
        yield
        return
    with _redirect_descriptor(_descriptor(stdout), _descriptor(stderr)), redirect_stdout(stderr):
        yield


@contextmanager
def _redirect_descriptor(source: int | None, target: int | None) -> Iterator[None]:
    """Makes the file descriptor `source` write to the file of `target`."""
    if source is None or target is None or source == target:
        yield
        return
    sys.stdout.flush()
    saved = os.dup(source)
    os.dup2(target, source)
    try:
        yield
    finally:
        sys.stdout.flush()  # for code that keeps the stream of before the block, such as a logging handler
        _flush_native_streams()
        os.dup2(saved, source)
        os.close(saved)


def _flush_native_streams() -> None:
    """Flushes the buffers of C's stdio, which would otherwise be written when the program exits."""
    import ctypes

    ctypes.CDLL(None).fflush(None)


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None
