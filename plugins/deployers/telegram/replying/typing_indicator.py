"""Shows "typing..." in conversations that have pending messages."""

from __future__ import annotations

import asyncio
import time

from telegram.constants import ChatAction
from telegram.error import TelegramError

from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient
from autocakechat.plugins.deployers.telegram.event_log import EventLog, SideTask
from autocakechat.plugins.deployers.telegram.storage.records import Conversation
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore

_REFRESH_INTERVAL = 4.5  # Telegram hides the indicator after five seconds
_POLL_INTERVAL = 0.5
_MAX_CALLS_PER_POLL = 5  # replies need the rest of Telegram's rate limit


class TypingIndicator:
    """The loop that shows the indicator.

    Args:
        bot: The Bot API client.
        store: Has the pending conversations.
        event_log: Receives failures.
    """

    def __init__(self, bot: BotClient, store: ConversationStore, event_log: EventLog) -> None:
        self._bot = bot
        self._store = store
        self._side_task = SideTask(event_log, "typing")
        self._shown_at: dict[Conversation, float] = {}

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            with self._side_task.attempt():
                await self._show_in_pending()
            await asyncio.sleep(_POLL_INTERVAL)

    async def _show_in_pending(self) -> None:
        now = time.monotonic()
        self._shown_at = {
            conversation: shown_at
            for conversation, shown_at in self._shown_at.items()
            if now - shown_at < _REFRESH_INTERVAL
        }
        pending = [waiting.conversation for waiting in self._store.pending_conversations()]
        hidden = [conversation for conversation in pending if conversation not in self._shown_at]
        for conversation in hidden[:_MAX_CALLS_PER_POLL]:
            self._shown_at[conversation] = now
            await self._show(conversation)

    async def _show(self, conversation: Conversation) -> None:
        try:
            await self._bot.send_chat_action(
                conversation.chat, ChatAction.TYPING, message_thread_id=conversation.topic or None
            )
        except TelegramError:
            return  # not worth a retry: a lasting failure is logged when the reply is sent
