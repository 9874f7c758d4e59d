"""Shows how far long work has come: a bar on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autocakechat.interface.run_context import OpenProgress, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_SECONDS_BETWEEN_LINES = 10.0


def progress_for(log: logging.Logger) -> OpenProgress:
    """Returns the display that fits where standard error goes.

    Args:
        log: Where the lines go if that is no terminal.
    """
    if sys.stderr.isatty() and log.isEnabledFor(logging.INFO):
        return _open_bar
    return _Lines(log)


@contextmanager
def silent_progress(title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
    """Opens a display that shows nothing."""
    yield _Nothing()


class _Nothing:
    """Takes no notice of progress."""

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Tells that work was done."""


class _Bar:
    """A bar on a terminal, with the figures beside it."""

    def __init__(self, display: RichProgress, task: TaskID) -> None:
        self._display = display
        self._task = task

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Tells that work was done."""
        if figures:
            self._display.update(self._task, advance=steps, figures=_written(figures))
        else:
            self._display.advance(self._task, steps)


@contextmanager
def _open_bar(title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
    from rich import progress as rich_progress
    from rich.console import Console

    amount = (
        rich_progress.DownloadColumn()
        if unit == "B"
        else rich_progress.TextColumn("{task.completed:,.0f}" + ("/{task.total:,.0f}" if total else "") + f" {unit}")
    )
    display = rich_progress.Progress(
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(bar_width=24),
        amount,
        rich_progress.TextColumn("{task.fields[figures]}"),
        rich_progress.TimeRemainingColumn() if total else rich_progress.TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with display:
        yield _Bar(display, display.add_task(title, total=total, figures=""))


class _Line:
    """A line in a log whenever some time has passed."""

    def __init__(self, log: logging.Logger, title: str, total: float | None, unit: str) -> None:
        self._log = log
        self._title = title
        self._total = total
        self._unit = unit
        self._done = 0.0
        self._started = self._told = time.monotonic()

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Tells that work was done."""
        self._done += steps
        now = time.monotonic()
        if now - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = now
            self._log.info("%s", self._line(now, figures))

    def _line(self, now: float, figures: dict[str, float | str]) -> str:
        scale, unit = (1e6, "MB") if self._unit == "B" else (1, self._unit)
        if not self._total:
            return f"{self._title}: {self._done / scale:,.0f} {unit} {_written(figures)}".rstrip()
        left = (now - self._started) / self._done * (self._total - self._done) if self._done else 0
        amount = f"{self._done / scale:,.0f}/{self._total / scale:,.0f} {unit}"
        return " ".join(filter(None, [f"{self._title}: {amount}", _written(figures), f"about {_duration(left)} left"]))


class _Lines:
    """Opens displays that are lines in a log."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log

    @contextmanager
    def __call__(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
        """Opens a display."""
        yield _Line(self._log, title, total, unit)


def _written(figures: dict[str, float | str]) -> str:
    return " ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
