"""Sets up logging, and keeps secrets out of logs, error messages and tracebacks."""

from __future__ import annotations

import logging
import os
import sys
import urllib.parse
from collections.abc import Mapping
from datetime import datetime
from typing import TextIO


class Redactor:
    """Replaces secrets in texts by `[secret]`."""

    def __init__(self) -> None:
        self._spellings: set[str] = set()

    def add(self, secret: str) -> None:
        """Adds a secret, also as it appears in URLs and in quoted strings."""
        spellings = (
            secret,
            urllib.parse.quote(secret, safe=""),
            urllib.parse.quote(secret),
            repr(secret)[1:-1],
        )
        self._spellings.update(filter(None, spellings))

    def __call__(self, text: str) -> str:
        """Returns the text without the secrets."""
        for spelling in sorted(self._spellings, key=len, reverse=True):
            text = text.replace(spelling, "[secret]")
        return text


def format_time(seconds: float) -> str:
    """Returns a time as ISO 8601 local time with its offset from UTC: `2026-11-26T08:12:01+01:00`."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def needs_log_time(stream: TextIO | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Returns whether log lines need their time: not on a terminal, and not in systemd's journal, which adds it.

    Args:
        stream: The stream that the log is written to; None if it is closed.
        environment: The environment variables. systemd sets `JOURNAL_STREAM` to the device and the inode of the
            journal; a program that inherits it may write to another file.
    """
    if stream is None or stream.isatty():
        return False
    try:
        status = os.fstat(stream.fileno())
    except OSError:  # not a file: a program in this process reads it
        return False
    return environment.get("JOURNAL_STREAM") != f"{status.st_dev}:{status.st_ino}"


class RedactingFormatter(logging.Formatter):
    """Formats log records, including tracebacks, without secrets.

    Args:
        redact: Replaces the secrets.
        verbose: Whether to include time, logger and level of each record, and tracebacks.
        with_time: Whether to include the time of each record even if the log is not verbose.
    """

    def __init__(self, redact: Redactor, verbose: bool, with_time: bool = False) -> None:
        super().__init__("%(asctime)s %(name)s %(levelname)s: %(message)s" if verbose else "%(message)s")
        self._redact = redact
        self._verbose = verbose
        self._with_time = with_time

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Returns the time of a record."""
        return format_time(record.created)

    def format(self, record: logging.LogRecord) -> str:
        """Formats one record."""
        if self._verbose:
            return self._redact(super().format(record))
        time = f"{self.formatTime(record)} " if self._with_time else ""
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return self._redact(time + level + record.getMessage())


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the current `sys.stderr`, which a progress display replaces to print above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        self.stream = sys.stderr
        super().emit(record)


def set_up_logging(redact: Redactor, verbose: bool, quiet: bool, with_time: bool = False) -> logging.Logger:
    """Sends all log records to standard error, without secrets.

    Args:
        redact: Replaces the secrets.
        verbose: Whether to show all records, including those of libraries.
        quiet: Whether to show warnings and errors only.
        with_time: Whether to show the time of each record. A verbose log always shows it.

    Returns:
        The logger of autocakechat.
    """
    handler = _StderrHandler()
    handler.setFormatter(RedactingFormatter(redact, verbose, with_time))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if verbose else logging.WARNING)
    logger = logging.getLogger("autocakechat")
    if verbose:
        logger.setLevel(logging.DEBUG)
    else:
        logger.setLevel(logging.WARNING if quiet else logging.INFO)
    return logger
