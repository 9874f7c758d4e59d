"""The thread that the model runs in, beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")


class Worker:
    """Runs calls one after the other.

    The thread does not keep the program alive: a bot that is told to stop ends in time even if the model does not.
    What it was thinking about waits in the store.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._work, name="model", daemon=True).start()

    async def call(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """Calls a function in the thread and waits for what it returns or raises."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[_T] = loop.create_future()

        def settle(method: Callable[[Any], None], value: object) -> None:
            if not outcome.done():  # nobody waits any more after a cancellation
                method(value)

        def run() -> None:
            try:
                result = function(*arguments)
            except BaseException as error:
                _tell(loop, settle, outcome.set_exception, error)
            else:
                _tell(loop, settle, outcome.set_result, result)

        self._calls.put(run)
        return await outcome

    def _work(self) -> None:
        while True:
            self._calls.get()()


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: the bot has stopped
        loop.call_soon_threadsafe(callback, *arguments)
