"""Keeps secrets out of everything that is shown: logs, errors and tracebacks."""

from __future__ import annotations

import logging
import sys
import urllib.parse
from typing import TextIO


class Redactor:
    """Replaces secrets wherever they turn up in a text."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def add(self, secret: str) -> None:
        """Learns a secret. Its spelling in addresses and in quoted strings counts as well."""
        for form in (secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret), repr(secret)[1:-1]):
            if form:
                self._forms.add(form)

    def __call__(self, text: str) -> str:
        """Returns the text without the secrets."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, "[secret]")
        return text


class RedactingFormatter(logging.Formatter):
    """Formats log records, tracebacks included, without secrets.

    Args:
        redact: Removes the secrets.
        verbose: Whether to show where a line comes from, and tracebacks.
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
    """Writes to whatever standard error is now: a progress display replaces it to print above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        self.stream = sys.stderr
        super().emit(record)


def set_up_logging(redact: Redactor, verbose: bool, quiet: bool) -> logging.Logger:
    """Sends all logs to standard error, without secrets.

    Args:
        redact: Removes the secrets.
        verbose: Whether to show everything, of libraries too.
        quiet: Whether to show warnings only.

    Returns:
        The logger of autocakechat.
    """
    handler = _StderrHandler()
    handler.setFormatter(RedactingFormatter(redact, verbose))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if verbose else logging.WARNING)
    logger = logging.getLogger("autocakechat")
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)
    return logger
