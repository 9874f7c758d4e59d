"""Generates replies to pending messages, for many chats in one call of the model, in a worker thread."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Sequence

from autocakechat import GROUP, Reply, Request, Responder, Session
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.options import Options
from autocakechat.plugins.deployers.telegram.replying.message_splitting import split_by_line, split_to_fit
from autocakechat.plugins.deployers.telegram.replying.model_thread import ModelThread
from autocakechat.plugins.deployers.telegram.replying.origin import chat_kind, export_id
from autocakechat.plugins.deployers.telegram.storage.records import BOT_SPEAKER, PendingConversation
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore

_GROUP_TURN_MESSAGES = 10
"""What a group writes between two replies can be long. The extractor `turns` keeps as many messages by default."""


class ReplyLoop:
    """The loop that replies to a conversation once no new message has arrived for a while (debouncing).

    Args:
        responder: The model.
        model_thread: The thread that the model runs in.
        store: Holds the pending conversations; stores the replies.
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
        self._debounce_seconds = options.settle
        self._max_debounce_seconds = options.settle_at_most
        self._event_log = event_log
        self._on_replies = on_replies
        self._woken = asyncio.Event()
        self._last_progress = time.monotonic()

    @property
    def seconds_without_progress(self) -> float:
        """How long messages have been due while no reply was made; 0 if none is due."""
        now = time.time()
        due_since = [-self._seconds_until_due(waiting, now) for waiting in self._store.pending_conversations()]
        return max(0.0, min(max(due_since, default=0.0), time.monotonic() - self._last_progress))

    def wake(self) -> None:
        """Makes the loop check the pending conversations at once. Call it after messages were stored."""
        self._woken.set()

    def stop_waiting(self) -> None:
        """Replies without debouncing from now on."""
        self._debounce_seconds = 0.0
        self.wake()

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            self._woken.clear()
            now = time.time()
            pending = self._store.pending_conversations()
            seconds_until_due = [self._seconds_until_due(waiting, now) for waiting in pending]
            due = [waiting for waiting, seconds in zip(pending, seconds_until_due, strict=True) if seconds <= 0]
            if due:
                await self._reply(due[: self._options.batch])
            else:
                await self._sleep(min(seconds_until_due, default=None))

    def _seconds_until_due(self, pending: PendingConversation, now: float) -> float:
        """Returns the seconds until a reply is due; 0 or less if it is due now.

        A message from the future shows that the system clock was set back after it was received. It is due now,
        because the time that it has waited is unknown.
        """
        if pending.last_received > now:
            return 0.0
        return (
            min(pending.last_received + self._debounce_seconds, pending.first_received + self._max_debounce_seconds)
            - now
        )

    async def _sleep(self, seconds: float | None) -> None:
        """Sleeps until the time is over or `wake` is called; if `seconds` is None, until `wake` is called."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _reply(self, conversations: Sequence[PendingConversation]) -> None:
        requests = [self._make_request(pending) for pending in conversations]
        replies = await self._model_thread.call(self._respond, requests)
        with self._store.transaction():
            for pending, reply in zip(conversations, replies, strict=True):
                text = reply.text.strip() or self._options.fallback
                parts = split_by_line(text) if self._options.separate_lines else split_to_fit(text)
                self._store.add_reply(pending, text, parts)
                self._store.trim_history(pending.conversation, self._responder.context_lines)
        self._last_progress = time.monotonic()
        self._on_replies()

    def _make_request(self, pending: PendingConversation) -> Request:
        labels = self._responder.labels
        mood = self._store.mood(pending.conversation)
        if mood is None or mood not in labels:  # the model may have been replaced by one with other labels
            mood = Session.default_label(labels)
        kind = chat_kind(pending.conversation.chat)
        limit = _GROUP_TURN_MESSAGES if kind == GROUP else None
        session = Session(self._responder.context_lines, mood, chat_kind=kind, turn_messages=limit)
        for message in self._store.history(pending.conversation, pending.last_message_id):
            if message.speaker_id == BOT_SPEAKER:
                session.add_reply(Reply(message.text))
            else:
                session.add_message(message.text, export_id(message.speaker_id))
        return session.request()

    def _respond(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Runs the model; called in the model's thread.

        If a batch raises, its requests are retried one by one, so that only the request that caused the error fails.
        """
        try:
            replies = self._responder.respond(requests)
            return [reply for _, reply in zip(requests, replies, strict=True)]  # a wrong number of replies raises
        except BaseException as error:  # whatever it raises, this is a failure of the model, not of the bot
            if len(requests) == 1:
                self._log_failure(error)
                return [Reply(self._options.fallback)]
        return [reply for request in requests for reply in self._respond([request])]

    def _log_failure(self, error: BaseException) -> None:
        # The message of the exception is left out, because it may quote a chat message.
        cause = error.__cause__ or error  # the model's own error, in place of the one that names its plugin
        frames = traceback.extract_tb(cause.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None
        self._event_log.log("model failed", level=logging.ERROR, error=type(cause).__name__, place=place)
        self._event_log.count("failed")
