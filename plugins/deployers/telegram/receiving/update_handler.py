"""Stores updates before they are confirmed to Telegram. Used by long polling and by the webhook."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable

from telegram import Message, Update

from autocakechat.plugins.deployers.telegram.bot_api.parsing import unparsable_reason
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.receiving.message_handler import MessageHandler
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore


class UpdateHandler:
    """Handles each update once.

    Args:
        store: Takes the updates and everything that they cause.
        message_handler: Handles the messages of updates.
        event_log: Receives updates that cannot be handled.
        on_stored: Called after updates were stored.
    """

    def __init__(
        self,
        store: ConversationStore,
        message_handler: MessageHandler,
        event_log: EventLog,
        on_stored: Callable[[], None],
    ) -> None:
        self._store = store
        self._message_handler = message_handler
        self._event_log = event_log
        self._on_stored = on_stored

    def store_updates(self, updates: Iterable[Update]) -> None:
        """Stores updates and everything that they cause in one transaction; skips updates that were stored before.

        The updates must not be confirmed to Telegram until this returns.

        Args:
            updates: The updates, oldest first.

        Raises:
            sqlite3.Error: The updates are not stored and must not be confirmed.
        """
        with self._store.transaction():
            for update in updates:
                is_new = self._store.record_update(update.update_id)
                if is_new and (reason := unparsable_reason(update)):
                    self._log_skipped(update.update_id, reason)
                elif is_new and update.message:
                    self._handle(update.update_id, update.message)
        self._on_stored()

    def _handle(self, update_id: int, message: Message) -> None:
        """Handles a message. One that raises is skipped: it must not stop the bot or come again forever."""
        try:
            with self._store.savepoint():
                self._message_handler.handle(message)
        except sqlite3.Error:
            raise
        except Exception as error:
            self._log_skipped(update_id, type(error).__name__)

    def _log_skipped(self, update_id: int, reason: str) -> None:
        self._event_log.log("update skipped", level=logging.ERROR, update=update_id, reason=reason)
        self._event_log.count("failed")
