"""What a running stage is handed: its log, its progress, its seed and its private folder."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import attrs


class Progress(Protocol):
    """How far a piece of long work has come."""

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Tells that work was done.

        Args:
            steps: How much, in the unit the progress was opened with.
            figures: What to show beside it, such as the loss.
        """
        ...


class OpenProgress(Protocol):
    """Opens a progress display."""

    def __call__(self, title: str, total: float | None = None, unit: str = "") -> AbstractContextManager[Progress]:
        """Opens a display that closes with the `with` block.

        Args:
            title: What is being done.
            total: How much there is to do, if known.
            unit: What `total` counts; `B` for bytes.
        """
        ...


@attrs.frozen
class RunContext:
    """What a running stage is handed besides its options and its input.

    Attributes:
        log: Where to say things. Secrets never appear in it.
        progress: Opens a progress display.
        seed: The seed of everything random.
        state: A folder that belongs to the stage alone, outlives the run and lies outside every artifact. A trainer
            finds its own checkpoints here when the same training is run again.
    """

    log: logging.Logger
    progress: OpenProgress
    seed: int
    state: Path
