"""Batches requests to the model: requests that wait at the same time share one call, in a worker thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
import traceback
from collections import deque
from collections.abc import Sequence

import attrs

from autocakechat import Reply, Request, Responder
from autocakechat_http.model_thread import ModelThread
from autocakechat_http.request_parsing import replace_lone_surrogates


class QueueFullError(Exception):
    """The maximum number of requests is waiting already."""


class ModelFailedError(Exception):
    """The model raised an error for a request."""


class StoppedError(Exception):
    """The server stopped before the model replied."""


@attrs.frozen
class _QueuedRequest:
    """A request in the queue, the future for the reply to it, and the time when it was queued."""

    request: Request
    reply: asyncio.Future[Reply]
    queued: float


class ReplyQueue:
    """The queue of requests to the model.

    Args:
        responder: The model. Only one thread calls it.
        batch_size: Maximum number of requests in one call.
        max_waiting: Maximum number of waiting requests.
        log: Receives failures of the model.

    Attributes:
        responder: The model.
        replies: The number of replies so far.
        reply_seconds: The time that all replies together took, from the request.
        errors: The number of requests for which the model failed.
    """

    def __init__(self, responder: Responder, batch_size: int, max_waiting: int, log: logging.Logger) -> None:
        self.responder = responder
        self._batch_size = batch_size
        self._max_waiting = max_waiting
        self._log = log
        self._waiting: deque[_QueuedRequest] = deque()
        self._not_empty = asyncio.Event()
        self._model_thread = ModelThread(responder)
        self._pending: set[asyncio.Future[Reply]] = set()
        self._task: asyncio.Task[None] | None = None
        self.replies = 0
        self.reply_seconds = 0.0
        self.errors = 0

    @property
    def stuck_seconds(self) -> float:
        """How long the running call of the model or the oldest waiting request has taken; infinite if none is run."""
        if self._task is None or self._task.done():
            return math.inf
        waiting = time.monotonic() - self._waiting[0].queued if self._waiting else 0.0
        return max(waiting, self._model_thread.running_seconds)

    @property
    def waiting(self) -> int:
        """The number of requests that no call of the model has started with."""
        return len(self._waiting)

    async def reply(self, request: Request) -> Reply:
        """Returns the model's reply to a request.

        Raises:
            QueueFullError: Too many requests are waiting.
            ModelFailedError: The model raised an error, which is logged.
            StoppedError: `abandon` was called.
        """
        if len(self._waiting) >= self._max_waiting:
            raise QueueFullError
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append(_QueuedRequest(request, future, time.monotonic()))
        self._not_empty.set()
        self._pending.add(future)
        start = time.perf_counter()
        try:
            reply = await future
        finally:
            self._pending.discard(future)
        self.replies += 1
        self.reply_seconds += time.perf_counter() - start
        return attrs.evolve(reply, text=replace_lone_surrogates(reply.text))

    def start(self) -> None:
        """Starts to process requests, in a task of the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops to process requests."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def abandon(self) -> None:
        """Raises StoppedError for all requests that have no reply yet."""
        for future in self._pending:
            if not future.done():
                future.set_exception(StoppedError())

    async def _run(self) -> None:
        while True:
            await self._not_empty.wait()
            batch = self._next_batch()
            if batch:
                await self._process(batch)
            if not self._waiting:
                self._not_empty.clear()

    def _next_batch(self) -> list[_QueuedRequest]:
        size = min(self._batch_size, len(self._waiting))
        batch = [self._waiting.popleft() for _ in range(size)]
        return [queued for queued in batch if not queued.reply.done()]  # done: the client has disconnected

    async def _process(self, batch: Sequence[_QueuedRequest]) -> None:
        requests = [queued.request for queued in batch]
        outcome = await self._model_thread.respond(requests)
        if isinstance(outcome, BaseException):
            await self._handle_failure(batch, outcome)
            return
        for queued, reply in zip(batch, outcome, strict=True):
            if not queued.reply.done():
                queued.reply.set_result(reply)

    async def _handle_failure(self, batch: Sequence[_QueuedRequest], error: BaseException) -> None:
        """Retries the requests of a failed batch one by one, so that only the request that caused the error fails."""
        if len(batch) > 1:
            for queued in batch:
                await self._process([queued])
            return
        self.errors += 1
        self._log.error("the model failed: %s", _describe(error))
        (failed,) = batch
        if not failed.reply.done():
            failed.reply.set_exception(ModelFailedError())


def _describe(error: BaseException) -> str:
    """Returns the type and the place of an error, without its message, which may quote the conversation."""
    cause = error.__cause__ or error  # the model's own error, in place of the one that names its plugin
    frames = traceback.extract_tb(cause.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(cause).__name__}{place}"
