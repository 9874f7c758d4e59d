"""Progress displays of a worker process that this process shows: their events, and both ends of the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import msgspec

from autocakechat.interface.run_context import OpenProgress, Progress


class ProgressOpen(msgspec.Struct, frozen=True):
    """A progress display opens; the attributes are those of `OpenProgress`."""

    title: str
    total: float | None
    unit: str


class ProgressAdvance(msgspec.Struct, frozen=True):
    """The progress display advances; the attributes are those of `Progress.advance`."""

    steps: float
    figures: dict[str, float | str]


class ProgressClose(msgspec.Struct, frozen=True):
    """The progress display closes."""


ProgressEvent = ProgressOpen | ProgressAdvance | ProgressClose
Send = Callable[[ProgressEvent], object]


def forwarded_progress(send: Send, queue: Send) -> OpenProgress:
    """Makes the progress display of a worker process.

    Args:
        send: Sends an event to the process that shows the display, at once.
        queue: Sends an event with the next one that is sent at once.
    """
    return partial(_open, send, queue)


class ProgressReplay:
    """Shows the progress displays of a worker process, one at a time.

    Args:
        open_progress: Opens a display in this process.
    """

    def __init__(self, open_progress: OpenProgress) -> None:
        self._open = open_progress
        self._opened = ExitStack()
        self._progress: Progress | None = None

    def __enter__(self) -> ProgressReplay:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def handle(self, event: ProgressEvent) -> None:
        """Shows what an event reports."""
        match event:
            case ProgressOpen():
                self._opened.close()  # a worker that was lost left it open
                self._progress = self._opened.enter_context(self._open(event.title, event.total, event.unit))
            case ProgressAdvance():
                assert self._progress
                self._progress.advance(event.steps, **event.figures)
            case ProgressClose():
                self._opened.close()


class _ForwardedProgress:
    """A progress display that another process shows."""

    def __init__(self, queue: Send) -> None:
        self._queue = queue

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Sends the advance."""
        self._queue(ProgressAdvance(steps, figures))


@contextmanager
def _open(send: Send, queue: Send, title: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
    send(ProgressOpen(title, total, unit))
    yield _ForwardedProgress(queue)
    send(ProgressClose())
