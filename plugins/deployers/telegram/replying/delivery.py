"""Delivers the outbox: conversations in parallel, the messages of one in order, each until Telegram accepts it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any

from telegram import LinkPreviewOptions, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, TelegramError

from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient, recorded_ok_responses
from autocakechat.plugins.deployers.telegram.bot_api.retries import (
    OutageLog,
    describe_error,
    rejected_token_error,
    wait_before_retry,
)
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.storage.records import Conversation, OutboxMessage
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore

_MAX_PARALLEL_CALLS = 48
_FINISH_SECONDS = 5.0


class Delivery:
    """The loop that empties the outbox.

    Args:
        bot: The Bot API client.
        store: Has the outbox.
        pause: Seconds between two messages to the same conversation.
        max_per_second: Maximum number of messages per second, all chats together.
        event_log: Receives deliveries and failures.
    """

    def __init__(
        self, bot: BotClient, store: ConversationStore, pause: float, max_per_second: float, event_log: EventLog
    ) -> None:
        self._bot = bot
        self._store = store
        self._pause = pause
        self._send_interval = 1 / max_per_second
        self._next_send = 0.0
        self._event_log = event_log
        self._outages = OutageLog(event_log, "sendMessage")
        self._call_slots = asyncio.Semaphore(_MAX_PARALLEL_CALLS)
        self._woken = asyncio.Event()
        self._tasks: dict[Conversation, asyncio.Task[None]] = {}
        self._calls: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Makes the loop check the outbox at once. Call it after messages were put into the outbox."""
        self._woken.set()

    def stop_pausing(self) -> None:
        """Sends messages to the same conversation without a pause from now on."""
        self._pause = 0.0

    async def run(self) -> None:
        """Runs until it is cancelled. Then no other message is sent, and the calls that have begun get some seconds.

        Raises:
            UserError: Telegram rejects the token.
            sqlite3.Error: A message was sent that cannot be removed from the outbox. It is not sent again.
        """
        try:
            while True:
                self._woken.clear()
                for conversation in self._store.conversations_with_outgoing():
                    if conversation not in self._tasks:
                        self._tasks[conversation] = asyncio.create_task(self._deliver_all(conversation))
                await self._wait_for_change()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await self._finish_calls()

    async def _finish_calls(self) -> None:
        """Waits for the calls that have begun: their messages would be sent again after the next start."""
        if not self._calls:
            return
        finished, unfinished = await asyncio.wait(self._calls, timeout=_FINISH_SECONDS)
        for call in unfinished:
            call.cancel()
        for call in finished:
            if not call.cancelled():
                call.exception()  # otherwise asyncio logs it

    async def _wait_for_change(self) -> None:
        """Waits until `wake` is called or the outbox of a conversation is empty."""
        wake_task = asyncio.create_task(self._woken.wait())
        try:
            await asyncio.wait([wake_task, *self._tasks.values()], return_when=asyncio.FIRST_COMPLETED)
        finally:
            wake_task.cancel()
        for conversation, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[conversation]
                task.result()

    async def _deliver_all(self, conversation: Conversation) -> None:
        """Empties the outbox of one conversation. A 429 delays this conversation only."""
        failures = 0
        while self._store.next_outgoing(conversation):
            try:
                await self._wait_for_send_slot()
                async with self._call_slots:
                    if message := self._store.next_outgoing(conversation):  # it may have been deleted in the meantime
                        await self._run_to_end(self._deliver(message))
            except InvalidToken:
                raise rejected_token_error() from None
            except TelegramError as error:
                failures += 1
                self._outages.record_failure(error, conversation)
                await wait_before_retry(error, failures)
            else:
                failures = 0
                self._outages.record_success(conversation)
                await asyncio.sleep(self._pause)

    async def _run_to_end(self, delivery: Coroutine[Any, Any, None]) -> None:
        """Runs a delivery, which continues if the task that waits for it is cancelled."""
        call = asyncio.create_task(delivery)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        await asyncio.shield(call)

    async def _deliver(self, message: OutboxMessage) -> None:
        """Sends a message and removes it from the outbox, also if Telegram rejects it for good.

        Raises:
            TelegramError: The message was not sent; it is still in the outbox.
        """
        chat = message.conversation.chat
        try:
            await self._send(message)
        except ChatMigrated as error:
            with self._store.transaction():
                self._store.migrate_chat(chat, error.new_chat_id)
            self.wake()
        except Forbidden as error:
            self._event_log.log("chat deleted", chat=chat, reason=describe_error(error))
            with self._store.transaction():
                self._store.delete_chat(chat)
        except BadRequest as error:
            self._event_log.log("message rejected", level=logging.ERROR, chat=chat, reason=describe_error(error))
            self._event_log.count("failed")
            self._store.remove_from_outbox(message)
        else:
            self._store.remove_from_outbox(message)
            self._log_sent(message)

    async def _send(self, message: OutboxMessage) -> None:
        reply_parameters = None
        if message.reply_to:
            reply_parameters = ReplyParameters(message.reply_to, allow_sending_without_reply=True)
        with recorded_ok_responses() as ok_responses:
            try:
                await self._bot.send_message(
                    message.conversation.chat,
                    message.text,
                    message_thread_id=message.conversation.topic or None,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                    reply_parameters=reply_parameters,
                )
            except NetworkError:
                if not ok_responses:
                    raise

    def _log_sent(self, message: OutboxMessage) -> None:
        latency = None
        if message.received is not None:
            latency = max(0.0, time.time() - message.received)
            self._event_log.count("answered")
            self._event_log.record_latency(latency)
        chat, topic = message.conversation
        self._event_log.log("message sent", text=message.text, chat=chat, topic=topic or None, seconds=latency)

    async def _wait_for_send_slot(self) -> None:
        """Waits until another message may be sent: all chats together stay below Telegram's rate limit."""
        now = time.monotonic()
        self._next_send = max(now, self._next_send + self._send_interval)
        await asyncio.sleep(self._next_send - now)
