"""Sets up logging, and keeps secrets out of logs, error messages and tracebacks."""

from __future__ import annotations

import logging
import sys
import urllib.parse
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


class RedactingFormatter(logging.Formatter):
    """Formats log records, including tracebacks, without secrets.

    Args:
        redact: Replaces the secrets.
        verbose: Whether to include time, logger and level of each record, and tracebacks.
    """

    def __init__(self, redact: Redactor, verbose: bool) -> None:
        super().__init__("%(asctime)s %(name)s %(levelname)s: %(message)s" if verbose else "%(message)s")
        self._redact = redact
        self._verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        """Formats one record."""
        if self._verbose:
            return self._redact(super().format(record))
        prefix = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return self._redact(prefix + record.getMessage())


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the current `sys.stderr`, which a progress display replaces to print above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        self.stream = sys.stderr
        super().emit(record)


def set_up_logging(redact: Redactor, verbose: bool, quiet: bool) -> logging.Logger:
    """Sends all log records to standard error, without secrets.

    Args:
        redact: Replaces the secrets.
        verbose: Whether to show all records, including those of libraries.
        quiet: Whether to show warnings and errors only.

    Returns:
        The logger of autocakechat.
    """
    handler = _StderrHandler()
    handler.setFormatter(RedactingFormatter(redact, verbose))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if verbose else logging.WARNING)
    logger = logging.getLogger("autocakechat")
    if verbose:
        logger.setLevel(logging.DEBUG)
    else:
        logger.setLevel(logging.WARNING if quiet else logging.INFO)
    return logger
