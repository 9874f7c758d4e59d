"""Runs `acc` in this process: as a program would run, but without the time to start one."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import click
from click.testing import CliRunner

from autocakechat.cli.main import main


class _Program(click.Command):
    """`acc` as click's test runner calls it, with the exit statuses and error messages of the program."""

    def main(self, *arguments: Any, **named: Any) -> Any:
        main()


def run_in_process(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs `acc` in this process.

    Args:
        arguments: The arguments of `acc`.
        folder: The working directory.
        environment: All environment variables. Plugins are found in the folders of `PYTHONPATH`, too.
        stdin: The standard input.

    Returns:
        The exit status and the output.
    """
    words = ["acc", *arguments]
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path and path not in sys.path]
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "argv", words),
        _importable(paths),
        _restored_logging(),
        _restored_signal(signal.SIGTERM),
    ):
        result = CliRunner().invoke(_Program("acc"), input=stdin, catch_exceptions=False)
    return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)


@contextlib.contextmanager
def _importable(paths: Sequence[str]) -> Iterator[None]:
    """Makes modules in folders importable, and forgets them afterwards: another test has others of the same name."""
    sys.path[:0] = paths
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for path in paths:
            sys.path.remove(path)
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and str(Path(file).parent) in paths:
                del sys.modules[name]


@contextlib.contextmanager
def _restored_logging() -> Iterator[None]:
    loggers = [logging.getLogger(), logging.getLogger("autocakechat")]
    saved = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    try:
        yield
    finally:
        for logger, level, handlers in saved:
            logger.setLevel(level)
            logger.handlers[:] = handlers


@contextlib.contextmanager
def _restored_signal(number: signal.Signals) -> Iterator[None]:
    handler = signal.getsignal(number)
    try:
        yield
    finally:
        signal.signal(number, handler)
