"""Has the model answer what waits in the store: many chats in one call, in a thread beside the event loop."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Sequence

from autocakechat import Reply, Request, Responder, Session
from autocakechat.plugins.deployers.telegram.event_log import Journal
from autocakechat.plugins.deployers.telegram.options import Options
from autocakechat.plugins.deployers.telegram.replying.message_splitting import separate, split
from autocakechat.plugins.deployers.telegram.replying.model_thread import Worker
from autocakechat.plugins.deployers.telegram.storage.records import SERVER, Waiting
from autocakechat.plugins.deployers.telegram.storage.store import Store


class Answering:
    """The loop that answers.

    Args:
        responder: Who answers.
        worker: The thread that the responder runs in.
        store: Where chats wait.
        options: The deployer's options.
        journal: Where to tell of failures.
        wake: Called when there is something to send.
    """

    def __init__(
        self,
        responder: Responder,
        worker: Worker,
        store: Store,
        options: Options,
        journal: Journal,
        wake: Callable[[], None],
    ) -> None:
        self._responder = responder
        self._worker = worker
        self._store = store
        self._options = options
        self._settle = options.settle
        self._journal = journal
        self._wake = wake
        self._heard = asyncio.Event()

    def wake(self) -> None:
        """Tells that somebody may wait for an answer."""
        self._heard.set()

    def hurry(self) -> None:
        """Answers from now on without waiting for more to be written."""
        self._settle = 0.0
        self.wake()

    async def run(self) -> None:
        """Answers until it is cancelled."""
        while True:
            self._heard.clear()
            now = time.time()
            waiting = self._store.waiting()
            due = [chat for chat in waiting if self._seconds_left(chat, now) <= 0][: self._options.batch]
            if due:
                await self._answer(due)
            else:
                await self._heard_or(min((self._seconds_left(chat, now) for chat in waiting), default=None))

    def _seconds_left(self, chat: Waiting, now: float) -> float:
        """How long to wait whether more is being written; never longer than the options say, even if clocks jump."""
        quiet = min(chat.last + self._settle - now, self._settle)
        longest = min(chat.first + self._options.settle_at_most - now, self._options.settle_at_most)
        return min(quiet, longest)

    async def _heard_or(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            pass

    async def _answer(self, due: Sequence[Waiting]) -> None:
        requests = [self._request(chat) for chat in due]
        replies = await self._worker.call(self._respond, requests)
        with self._store.transaction():
            for chat, reply in zip(due, replies, strict=True):
                text = reply.text.strip() or self._options.fallback
                messages = separate(text) if self._options.separate_lines else split(text)
                self._store.answer(chat.chat, chat.line, text, messages)
                self._store.trim(chat.chat, self._responder.context_lines)
        self._wake()

    def _request(self, chat: Waiting) -> Request:
        mood = self._store.mood(chat.chat)
        if mood is None or mood not in self._responder.labels:  # the model may be another one now
            mood = Session.usual_mood(self._responder.labels)
        session = Session(self._responder.context_lines, mood)
        for line in self._store.conversation(chat.chat, chat.line):
            if line.speaker == SERVER:
                session.add_reply(Reply(line.text))
            else:
                session.add_message(line.text, str(line.speaker))
        return session.request()

    def _respond(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Runs in the worker. Where the model fails on many, each is asked alone, so that only its own is lost."""
        try:
            replies = self._responder.respond(requests)
            return [reply for _, reply in zip(requests, replies, strict=True)]
        except Exception as error:
            if len(requests) == 1:
                # Not the error's text, which may quote the message.
                self._journal.tell("model failed", level=logging.ERROR, error=type(error).__name__, place=_place(error))
                self._journal.count("failed")
                return [Reply(self._options.fallback)]
        return [reply for request in requests for reply in self._respond([request])]


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"
