"""The context of a running stage: log, progress display, seed and state folder."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import attrs


class Progress(Protocol):
    """A progress display."""

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Adds finished work.

        Args:
            steps: How much was done, in the unit of the display.
            figures: Values to show beside it, such as the loss.
        """
        ...


class OpenProgress(Protocol):
    """Opens a progress display."""

    def __call__(self, title: str, total: float | None = None, unit: str = "") -> AbstractContextManager[Progress]:
        """Returns a context manager that shows a progress display until its block ends.

        Args:
            title: The name of the work.
            total: The amount of work, if known.
            unit: The unit of `total`; `B` for bytes.
        """
        ...


@attrs.frozen
class RunContext:
    """What a stage gets besides its options and its input.

    Attributes:
        log: The logger. Secrets are masked in its output.
        progress: Opens a progress display.
        seed: The random seed.
        state: A folder for this stage only. It is kept after the run and is not part of an artifact. A trainer finds
            its checkpoints here if an interrupted training is run again.
    """

    log: logging.Logger
    progress: OpenProgress
    seed: int
    state: Path
