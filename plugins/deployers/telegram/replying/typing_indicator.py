"""Shows "typing..." in chats that have pending messages."""

from __future__ import annotations

import asyncio
import time

from telegram.constants import ChatAction
from telegram.error import TelegramError

from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient
from autocakechat.plugins.deployers.telegram.event_log import EventLog, SideTask
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore

_REFRESH_INTERVAL = 4.5  # Telegram hides the indicator after five seconds
_POLL_INTERVAL = 0.5
_MAX_CALLS_PER_POLL = 5  # replies need the rest of Telegram's rate limit


class TypingIndicator:
    """The loop that shows the indicator.

    Args:
        bot: The Bot API client.
        store: Has the pending chats.
        event_log: Receives failures.
    """

    def __init__(self, bot: BotClient, store: ConversationStore, event_log: EventLog) -> None:
        self._bot = bot
        self._store = store
        self._side_task = SideTask(event_log, "typing")
        self._shown_at: dict[int, float] = {}

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            with self._side_task.attempt():
                await self._show_in_pending_chats()
            await asyncio.sleep(_POLL_INTERVAL)

    async def _show_in_pending_chats(self) -> None:
        now = time.monotonic()
        self._shown_at = {
            chat: shown_at for chat, shown_at in self._shown_at.items() if now - shown_at < _REFRESH_INTERVAL
        }
        chats = [pending.chat_id for pending in self._store.pending_chats() if pending.chat_id not in self._shown_at]
        for chat in chats[:_MAX_CALLS_PER_POLL]:
            self._shown_at[chat] = now
            await self._show(chat)

    async def _show(self, chat: int) -> None:
        try:
            await self._bot.send_chat_action(chat, ChatAction.TYPING)
        except TelegramError:
            return  # not worth a retry: a lasting failure is logged when the reply is sent
