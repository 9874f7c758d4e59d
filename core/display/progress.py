"""Displays the progress of long work: a bar on a terminal, otherwise a log line from time to time."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autocakechat.interface.run_context import OpenProgress, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_SECONDS_BETWEEN_LINES = 10.0


def progress_for(log: logging.Logger) -> OpenProgress:
    """Chooses the display: a bar if standard error is a terminal, otherwise log lines.

    Args:
        log: The logger for the lines.
    """
    if sys.stderr.isatty() and log.isEnabledFor(logging.INFO):
        return _open_bar
    return _LogProgressOpener(log)


@contextmanager
def silent_progress(title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
    """Opens a display that shows nothing."""
    yield _SilentProgress()


class _SilentProgress:
    """Shows nothing."""

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Ignores the progress."""


class _BarProgress:
    """A bar on a terminal, followed by figures."""

    def __init__(self, display: RichProgress, task: TaskID) -> None:
        self._display = display
        self._task = task

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Moves the bar and replaces the figures, if there are new ones."""
        if figures:
            self._display.update(self._task, advance=steps, figures=_format_figures(figures))
        else:
            self._display.advance(self._task, steps)


@contextmanager
def _open_bar(title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
    from rich import progress as rich_progress
    from rich.console import Console

    amount: rich_progress.ProgressColumn
    if unit == "B":
        amount = rich_progress.DownloadColumn()
    else:
        of_total = "/{task.total:,.0f}" if total else ""
        amount = rich_progress.TextColumn(f"{{task.completed:,.0f}}{of_total} {unit}")
    display = rich_progress.Progress(
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(bar_width=24),
        amount,
        rich_progress.TextColumn("{task.fields[figures]}"),
        rich_progress.TimeRemainingColumn() if total else rich_progress.TimeElapsedColumn(),
        # This very file: a library whose own bars are hidden by redirecting standard error does not hide this one.
        console=Console(file=sys.stderr),
        transient=True,
    )
    with display:
        yield _BarProgress(display, display.add_task(title, total=total, figures=""))


class _LogProgress:
    """Writes a log line when enough time has passed since the last one."""

    def __init__(self, log: logging.Logger, title: str, total: float | None, unit: str) -> None:
        self._log = log
        self._title = title
        self._total = total
        self._unit = unit
        self._done = 0.0
        self._started = self._last_line = time.monotonic()

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Adds up the steps and writes a line if it is time for one."""
        self._done += steps
        now = time.monotonic()
        if now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            self._log.info("%s", self._format_line(now, figures))

    def _format_line(self, now: float, figures: Mapping[str, float | str]) -> str:
        scale, unit = (1e6, "MB") if self._unit == "B" else (1, self._unit)
        if not self._total:
            return f"{self._title}: {self._done / scale:,.0f} {unit} {_format_figures(figures)}".rstrip()
        amount = f"{self._done / scale:,.0f}/{self._total / scale:,.0f} {unit}"
        seconds_per_step = (now - self._started) / self._done if self._done else 0
        remaining = _format_duration(seconds_per_step * (self._total - self._done))
        parts = [f"{self._title}: {amount}", _format_figures(figures), f"about {remaining} left"]
        return " ".join(filter(None, parts))


class _LogProgressOpener:
    """Opens displays that write log lines."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log

    @contextmanager
    def __call__(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
        """Opens a display."""
        yield _LogProgress(self._log, title, total, unit)


def _format_figures(figures: Mapping[str, float | str]) -> str:
    return " ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
    )


def _format_duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
