"""Has the model answer what waits in the store: many chats in one call, in a thread beside the event loop."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from autocakechat import Reply, Request, Responder, Session
from autocakechat.plugins.deployers.telegram.sending import split
from autocakechat.plugins.deployers.telegram.store import SERVER, Store, Waiting

_BATCH = 32


class Answering:
    """The loop that answers.

    Args:
        responder: Who answers.
        worker: The thread that the responder runs in.
        store: Where chats wait.
        fallback: What to say where the responder fails.
        log: Where to tell of failures.
        wake: Called when there is something to send.
    """

    def __init__(
        self,
        responder: Responder,
        worker: Executor,
        store: Store,
        fallback: str,
        log: logging.Logger,
        wake: Callable[[], None],
    ) -> None:
        self._responder = responder
        self._worker = worker
        self._store = store
        self._fallback = fallback
        self._log = log
        self._wake = wake
        self._heard = asyncio.Event()

    def wake(self) -> None:
        """Tells that somebody may wait for an answer."""
        self._heard.set()

    async def run(self) -> None:
        """Answers until it is cancelled."""
        while True:
            self._heard.clear()
            due = self._store.waiting()[:_BATCH]
            if due:
                await self._answer(due)
            else:
                await self._heard.wait()

    async def _answer(self, due: Sequence[Waiting]) -> None:
        requests = [self._request(waiting) for waiting in due]
        loop = asyncio.get_running_loop()
        replies = await loop.run_in_executor(self._worker, self._respond, requests)
        for waiting, reply in zip(due, replies, strict=True):
            text = reply.text.strip() or self._fallback
            with self._store.transaction():
                self._store.answer(waiting.chat, waiting.line, text, split(text))
                self._store.trim(waiting.chat, self._responder.context_lines)
        self._wake()

    def _request(self, waiting: Waiting) -> Request:
        mood = self._store.mood(waiting.chat)
        if mood is None or mood not in self._responder.labels:  # the model may be another one now
            mood = Session.usual_mood(self._responder.labels)
        session = Session(self._responder.context_lines, mood)
        for line in self._store.conversation(waiting.chat, waiting.line):
            if line.speaker == SERVER:
                session.say(Reply(line.text))
            else:
                session.hear(line.text, str(line.speaker))
        return session.request()

    def _respond(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Runs in the worker."""
        try:
            return self._responder.respond(requests)
        except Exception as error:
            if len(requests) == 1:
                # Not the error's text, which may quote the message.
                self._log.error("the model failed on a message: %s in %s", type(error).__name__, _place(error))
                return [Reply(self._fallback)]
        return [self._respond([request])[0] for request in requests]


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"
