"""Shows people that the bot is typing while they wait for an answer."""

from __future__ import annotations

import asyncio
import time

from telegram.constants import ChatAction
from telegram.error import TelegramError

from autocakechat.plugins.deployers.telegram.bot_api.client import QuietBot
from autocakechat.plugins.deployers.telegram.storage.store import Store

_SHOWN_FOR = 4.5  # Telegram shows it for five seconds
_LOOK_EVERY = 0.5
_MOST_AT_ONCE = 5  # the limit on calls is needed for answers


class Presence:
    """The loop that shows typing.

    Args:
        bot: The connection.
        store: Where chats wait.
    """

    def __init__(self, bot: QuietBot, store: Store) -> None:
        self._bot = bot
        self._store = store
        self._shown: dict[int, float] = {}

    async def run(self) -> None:
        """Shows typing until it is cancelled."""
        while True:
            now = time.monotonic()
            self._shown = {chat: shown for chat, shown in self._shown.items() if now - shown < _SHOWN_FOR}
            chats = [waiting.chat for waiting in self._store.waiting() if waiting.chat not in self._shown]
            for chat in chats[:_MOST_AT_ONCE]:
                self._shown[chat] = now
                await self._show(chat)
            await asyncio.sleep(_LOOK_EVERY)

    async def _show(self, chat: int) -> None:
        try:
            await self._bot.send_chat_action(chat, ChatAction.TYPING)
        except TelegramError:
            return  # an ornament; whatever is wrong will show when the answer is sent
