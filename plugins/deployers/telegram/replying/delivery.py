"""Delivers what lies in the outbox: in order within a chat, to many chats at once, until it is delivered."""

from __future__ import annotations

import asyncio
import logging
import time

from telegram import LinkPreviewOptions, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, TelegramError

from autocakechat.plugins.deployers.telegram.bot_api.client import QuietBot, noting_acceptance
from autocakechat.plugins.deployers.telegram.bot_api.retries import Trouble, refused_token, seconds_to_wait, told
from autocakechat.plugins.deployers.telegram.event_log import Journal
from autocakechat.plugins.deployers.telegram.storage.records import Outgoing
from autocakechat.plugins.deployers.telegram.storage.store import Store

_AT_ONCE = 48


class Sending:
    """The loop that empties the outbox.

    Args:
        bot: The connection.
        store: Where the outbox is.
        pause: Seconds between two messages to the same chat.
        per_second: Most messages in a second.
        journal: Where to tell of failures.
    """

    def __init__(self, bot: QuietBot, store: Store, pause: float, per_second: float, journal: Journal) -> None:
        self._bot = bot
        self._store = store
        self._pause = pause
        self._interval = 1 / per_second
        self._journal = journal
        self._next_turn = 0.0
        self._trouble = Trouble(journal, "sending")
        self._connections = asyncio.Semaphore(_AT_ONCE)
        self._due = asyncio.Event()
        self._deliveries: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Tells that there is something new in the outbox."""
        self._due.set()

    def hurry(self) -> None:
        """Makes no more pauses."""
        self._pause = 0.0

    async def run(self) -> None:
        """Delivers until it is cancelled.

        Raises:
            UserError: Telegram refuses the token.
        """
        try:
            while True:
                self._due.clear()
                for chat in self._store.chats_to_send_to():
                    if chat not in self._deliveries:
                        self._deliveries[chat] = asyncio.create_task(self._deliver(chat))
                await self._next_event()
        finally:
            for task in self._deliveries.values():
                task.cancel()

    async def _next_event(self) -> None:
        """Waits until there is something new or a delivery ends."""
        waker = asyncio.create_task(self._due.wait())
        try:
            await asyncio.wait([waker, *self._deliveries.values()], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waker.cancel()
        for chat, task in list(self._deliveries.items()):
            if task.done():
                del self._deliveries[chat]
                task.result()

    async def _deliver(self, chat: int) -> None:
        """Empties the outbox of one chat."""
        failures = 0
        while outgoing := self._store.next_to_send(chat):
            try:
                await self._attempt(outgoing)
            except InvalidToken:
                raise refused_token() from None
            except TelegramError as error:
                failures += 1
                self._trouble.begins(error, chat)
                await asyncio.sleep(seconds_to_wait(error, failures))
            else:
                failures = 0
                self._trouble.ends(chat)
                await asyncio.sleep(self._pause)

    async def _attempt(self, outgoing: Outgoing) -> None:
        """Sends a message. What Telegram will never take is dropped; other failures are raised."""
        chat = outgoing.chat
        try:
            await self._send(outgoing)
        except ChatMigrated as error:
            with self._store.transaction():
                self._store.move(chat, error.new_chat_id)
            self.wake()
        except Forbidden:
            self._journal.tell("chat closed to the bot", chat=chat)
            with self._store.transaction():
                self._store.drop(chat)
        except BadRequest as error:
            self._journal.tell("message refused", level=logging.ERROR, chat=chat, reason=told(error))
            self._journal.count("failed")
            self._store.sent(outgoing)
        else:
            self._delivered(outgoing)

    async def _send(self, outgoing: Outgoing) -> None:
        reply_to = outgoing.reply_to
        await self._turn()
        async with self._connections:
            with noting_acceptance() as accepted:
                try:
                    await self._bot.send_message(
                        outgoing.chat,
                        outgoing.text,
                        link_preview_options=LinkPreviewOptions(is_disabled=True),
                        reply_parameters=ReplyParameters(reply_to, allow_sending_without_reply=True)
                        if reply_to
                        else None,
                    )
                except NetworkError:
                    if not accepted:
                        raise

    def _delivered(self, outgoing: Outgoing) -> None:
        self._store.sent(outgoing)
        seconds = None
        if outgoing.asked is not None:
            seconds = max(0.0, time.time() - outgoing.asked)
            self._journal.count("answered")
            self._journal.took(seconds)
        self._journal.tell("sent", text=outgoing.text, chat=outgoing.chat, seconds=seconds)

    async def _turn(self) -> None:
        """Waits for the next turn to send, so that all chats together stay below Telegram's limit."""
        now = time.monotonic()
        self._next_turn = max(now, self._next_turn + self._interval)
        await asyncio.sleep(self._next_turn - now)
