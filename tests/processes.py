"""Processes that end with the test that starts them."""

from __future__ import annotations

import subprocess
from types import TracebackType


class Process(subprocess.Popen[str]):
    """A process that is killed if its `with` block fails; otherwise the block waits for its end, as with Popen."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, traceback)
