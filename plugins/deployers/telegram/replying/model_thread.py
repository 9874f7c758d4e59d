"""The thread that runs the model, so that inference does not block the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")


class ModelThread:
    """A daemon thread that runs calls one after the other.

    A daemon thread does not keep the process alive, so the bot stops in time even if the model does not return. The
    messages that the model was replying to are still pending in the store.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._running_since: float | None = None
        threading.Thread(target=self._run_calls, name="model", daemon=True).start()

    @property
    def running_seconds(self) -> float:
        """Seconds since the running call started; 0 if none is running."""
        since = self._running_since
        return 0.0 if since is None else time.monotonic() - since

    async def call(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """Calls a function in the thread.

        Args:
            function: The function.
            arguments: Its positional arguments.

        Returns:
            Its result.

        Raises:
            Exception: Whatever the function raises; RuntimeError in place of what would end a thread or a loop.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def run() -> None:
            try:
                result = function(*arguments)
            except BaseException as error:
                _call_in_loop(loop, _resolve, future, future.set_exception, _as_result_of_future(error))
            else:
                _call_in_loop(loop, _resolve, future, future.set_result, result)

        self._calls.put(run)
        return await future

    def _run_calls(self) -> None:
        while True:
            call = self._calls.get()
            self._running_since = time.monotonic()
            call()
            self._running_since = None


def _as_result_of_future(error: BaseException) -> Exception:
    """Returns an error that a future accepts and that ends no event loop.

    A future rejects StopIteration and would stay without a result. SystemExit and the like would end the bot.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    replacement = RuntimeError(f"{type(error).__name__} raised")
    replacement.__cause__ = error
    return replacement


def _resolve(future: asyncio.Future[_T], set_outcome: Callable[[Any], None], outcome: object) -> None:
    if not future.done():  # a cancelled future is done
        set_outcome(outcome)


def _call_in_loop(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed because the bot has stopped
        loop.call_soon_threadsafe(callback, *arguments)
