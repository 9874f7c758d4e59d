"""The thread that runs the model."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from autocakechat import Reply, Request, Responder

_Outcome = Sequence[Reply] | BaseException


class ModelThread:
    """A daemon thread that calls the model. It does not keep the process alive, even if the model never returns.

    Args:
        responder: The model.
    """

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._running_since: float | None = None
        threading.Thread(target=self._run_calls, name="model", daemon=True).start()

    @property
    def running_seconds(self) -> float:
        """Seconds since the running call started; 0 if none is running."""
        since = self._running_since
        return 0.0 if since is None else time.monotonic() - since

    async def respond(self, requests: Sequence[Request]) -> _Outcome:
        """Returns the replies of the model, one for each request, or the error that it raised.

        The error is returned, because a future cannot raise each one: StopIteration would leave it without a result.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Outcome] = loop.create_future()

        def run() -> None:
            outcome = self._respond(requests)
            with contextlib.suppress(RuntimeError):  # the loop is closed because the server has stopped
                loop.call_soon_threadsafe(_resolve, future, outcome)

        self._calls.put(run)
        return await future

    def _respond(self, requests: Sequence[Request]) -> _Outcome:
        try:
            replies = self._responder.respond(requests)
            if len(replies) != len(requests):
                raise RuntimeError(f"it returned {len(replies)} replies to {len(requests)} requests")
        except BaseException as error:
            return error
        return replies

    def _run_calls(self) -> None:
        while True:
            call = self._calls.get()
            self._running_since = time.monotonic()
            call()
            self._running_since = None


def _resolve(future: asyncio.Future[_Outcome], outcome: _Outcome) -> None:
    if not future.done():  # a cancelled future is done
        future.set_result(outcome)
