"""Generates replies to pending messages: many chats in one call of the model, in a thread beside the event loop."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Sequence

from autocakechat import Reply, Request, Responder, Session
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.options import Options
from autocakechat.plugins.deployers.telegram.replying.message_splitting import split_by_line, split_to_fit
from autocakechat.plugins.deployers.telegram.replying.model_thread import ModelThread
from autocakechat.plugins.deployers.telegram.storage.records import BOT_SPEAKER, PendingChat
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore


class ReplyLoop:
    """The loop that replies to chats once they are quiet.

    Args:
        responder: The model.
        model_thread: The thread that the model runs in.
        store: Has the pending chats and takes the replies.
        options: The deployer's options.
        event_log: Receives failures of the model.
        on_replies: Called after replies were put into the outbox.
    """

    def __init__(
        self,
        responder: Responder,
        model_thread: ModelThread,
        store: ConversationStore,
        options: Options,
        event_log: EventLog,
        on_replies: Callable[[], None],
    ) -> None:
        self._responder = responder
        self._model_thread = model_thread
        self._store = store
        self._options = options
        self._settle = options.settle
        self._event_log = event_log
        self._on_replies = on_replies
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Checks for pending chats now."""
        self._woken.set()

    def stop_waiting(self) -> None:
        """Replies to chats at once from now on, even if they are not quiet."""
        self._settle = 0.0
        self.wake()

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            self._woken.clear()
            now = time.time()
            pending = self._store.pending_chats()
            due = [chat for chat in pending if self._seconds_until_due(chat, now) <= 0][: self._options.batch]
            if due:
                await self._reply(due)
            else:
                await self._sleep(min((self._seconds_until_due(chat, now) for chat in pending), default=None))

    def _seconds_until_due(self, chat: PendingChat, now: float) -> float:
        """Returns the seconds until a reply is due, at most those of the options even if the system clock jumps."""
        until_quiet = min(chat.last_received + self._settle - now, self._settle)
        until_limit = min(chat.first_received + self._options.settle_at_most - now, self._options.settle_at_most)
        return min(until_quiet, until_limit)

    async def _sleep(self, seconds: float | None) -> None:
        """Sleeps for some seconds, or without a limit if None. `wake` ends the sleep."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _reply(self, chats: Sequence[PendingChat]) -> None:
        requests = [self._make_request(pending) for pending in chats]
        replies = await self._model_thread.call(self._respond, requests)
        with self._store.transaction():
            for pending, reply in zip(chats, replies, strict=True):
                text = reply.text.strip() or self._options.fallback
                parts = split_by_line(text) if self._options.separate_lines else split_to_fit(text)
                self._store.add_reply(pending.chat, pending.last_message, text, parts)
                self._store.trim_history(pending.chat, self._responder.context_lines)
        self._on_replies()

    def _make_request(self, pending: PendingChat) -> Request:
        labels = self._responder.labels
        mood = self._store.mood(pending.chat)
        if mood is None or mood not in labels:  # the model may have been replaced by one with other labels
            mood = Session.default_label(labels)
        session = Session(self._responder.context_lines, mood)
        for message in self._store.history(pending.chat, pending.last_message):
            if message.speaker == BOT_SPEAKER:
                session.add_reply(Reply(message.text))
            else:
                session.add_message(message.text, str(message.speaker))
        return session.request()

    def _respond(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Runs the model, in its thread. If a batch fails, its requests run one by one, so that only one fails."""
        try:
            replies = self._responder.respond(requests)
            return [reply for _, reply in zip(requests, replies, strict=True)]
        except Exception as error:
            if len(requests) == 1:
                self._log_failure(error)
                return [Reply(self._options.fallback)]
        return [reply for request in requests for reply in self._respond([request])]

    def _log_failure(self, error: Exception) -> None:
        # The error's own text is left out, because it may quote the message.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.filename}:{frame.lineno}"
        self._event_log.log("model failed", level=logging.ERROR, error=type(error).__name__, place=place)
        self._event_log.count("failed")
