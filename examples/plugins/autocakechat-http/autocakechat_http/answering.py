"""Has the model answer: all conversations that wait at one moment in one call, away from the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from autocakechat import Reply, Request, Responder


class BusyError(Exception):
    """More conversations wait than may."""


class FailedError(Exception):
    """The model could not answer."""


class Answering:
    """Answers conversations.

    Args:
        responder: The model. It is called by one thread only.
        batch: The most conversations in one call.
        queue: The most that may wait.
        log: Where failures are told.
    """

    def __init__(self, responder: Responder, batch: int, queue: int, log: logging.Logger) -> None:
        self.responder = responder
        self._batch = batch
        self._queue = queue
        self._log = log
        self._waiting: deque[tuple[Request, asyncio.Future[Reply]]] = deque()
        self._something = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "answering")

    async def answer(self, request: Request) -> Reply:
        """Answers one conversation.

        Raises:
            BusyError: Too many wait already.
            FailedError: The model raised something; it is logged.
        """
        if len(self._waiting) >= self._queue:
            raise BusyError
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        self._something.set()
        return await future

    async def run(self) -> None:
        """Answers whatever waits, until it is cancelled."""
        try:
            while True:
                await self._something.wait()
                taken = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
                # Who hung up meanwhile wants no answer.
                taken = [(request, future) for request, future in taken if not future.done()]
                if taken:
                    await self._answer_all(taken)
                if not self._waiting:
                    self._something.clear()
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _answer_all(self, taken: Sequence[tuple[Request, asyncio.Future[Reply]]]) -> None:
        requests = [request for request, _ in taken]
        try:
            replies = await asyncio.get_running_loop().run_in_executor(self._thread, self.responder.respond, requests)
        except Exception as error:
            if len(taken) > 1:  # one conversation that breaks the model costs the others nothing
                for one in taken:
                    await self._answer_all([one])
                return
            self._log.error("the model failed: %s: %s", type(error).__name__, error)
            self._log.debug("while answering", exc_info=True)
            if not taken[0][1].done():
                taken[0][1].set_exception(FailedError())
            return
        for (_, future), reply in zip(taken, replies, strict=True):
            if not future.done():
                future.set_result(reply)
