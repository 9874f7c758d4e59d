"""Delivers what lies in the outbox: in order within a chat, to many chats at once, until it is delivered."""

from __future__ import annotations

import asyncio
import logging

from telegram import LinkPreviewOptions, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from autocakechat.plugins.deployers.telegram.connection import Backoff, QuietBot, refused_token, told
from autocakechat.plugins.deployers.telegram.store import Outgoing, Store

LIMIT = 4096
"""The most UTF-16 units of one message."""


def split(text: str, limit: int = LIMIT) -> list[str]:
    """Splits a text into messages that Telegram takes.

    Args:
        text: Any text.
        limit: The most UTF-16 units of a message.

    Returns:
        The messages, none blank, cut at the end of a line or word where there is one in the second half.
    """
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "").strip()
    parts = []
    while text:
        end = _fitting(text, limit)
        if end < len(text):
            end = max(text.rfind(blank, end // 2, end + 1) for blank in "\n ") if _has_blank(text, end) else end
        parts.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return parts


def _has_blank(text: str, end: int) -> bool:
    return any(blank in text[end // 2 : end + 1] for blank in "\n ")


def _fitting(text: str, limit: int) -> int:
    """How many characters of a text fit into so many UTF-16 units."""
    units = 0
    for number, character in enumerate(text):
        units += 2 if ord(character) > 0xFFFF else 1
        if units > limit:
            return number
    return len(text)


class Sending:
    """The loop that empties the outbox.

    Args:
        bot: The connection.
        store: Where the outbox is.
        log: Where to tell of failures.
    """

    def __init__(self, bot: QuietBot, store: Store, log: logging.Logger) -> None:
        self._bot = bot
        self._store = store
        self._log = log
        self._backoff = Backoff(log, "sending")
        self._due = asyncio.Event()
        self._deliveries: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Tells that there is something new in the outbox."""
        self._due.set()

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
        while outgoing := self._store.next_to_send(chat):
            try:
                await self._send(outgoing)
            except InvalidToken:
                raise refused_token() from None
            except ChatMigrated as error:
                self._store.move(chat, error.new_chat_id)
            except Forbidden:
                self._log.info("chat %s is closed to the bot; dropped", chat)
                self._store.drop(chat)
            except BadRequest as error:
                self._log.error("chat %s: message dropped: %s", chat, told(error))
                self._store.sent(outgoing)
            except TelegramError as error:
                await self._backoff.wait(error)
            else:
                self._backoff.worked()
                self._store.sent(outgoing)

    async def _send(self, outgoing: Outgoing) -> None:
        reply_to = outgoing.reply_to
        await self._bot.send_message(
            outgoing.chat,
            outgoing.text,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            reply_parameters=ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None,
        )
