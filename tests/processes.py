"""Processes that a test does not leave behind."""

from __future__ import annotations

import subprocess
from types import TracebackType


class Process(subprocess.Popen[str]):
    """A process that is killed if the `with` block around it fails; otherwise its end is waited for, as always."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, traceback)
