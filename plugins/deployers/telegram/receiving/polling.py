"""Receives updates by long polling (`getUpdates`). An update is confirmed only after it is stored.

The library's Updater and Application are not used for polling: they confirm updates that are only in memory, and they
swallow exceptions of handlers, so an update could be confirmed that was never stored.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from telegram import Update
from telegram.error import Conflict, InvalidToken, TelegramError

from autocakechat import StageError
from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient
from autocakechat.plugins.deployers.telegram.bot_api.retries import (
    OutageLog,
    rejected_token_error,
    retry_until_success,
    wait_before_retry,
)
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.receiving.update_handler import UpdateHandler

ALLOWED_UPDATES = ("message",)
"""Kinds of updates that the bot requests: new messages, not edited ones."""

CONFLICT_TIMEOUT = 60.0
"""Seconds of 409 responses before the bot gives up. After a restart, the predecessor's request may still be open."""

_LONG_POLL_SECONDS = 20
_MAX_UPDATES = 100


class UpdatePoller:
    """The polling loop.

    Args:
        bot: The Bot API client.
        update_handler: Stores the updates.
        event_log: Receives failures.
    """

    def __init__(self, bot: BotClient, update_handler: UpdateHandler, event_log: EventLog) -> None:
        self._bot = bot
        self._update_handler = update_handler
        self._outages = OutageLog(event_log, "getUpdates")
        self._webhook_outages = OutageLog(event_log, "deleteWebhook")
        self._conflict_since: float | None = None
        self._offset: int | None = None

    async def run(self) -> None:
        """Runs until it is cancelled.

        Raises:
            UserError: Telegram rejects the token.
            StageError: Another program keeps receiving this bot's updates, or Telegram rejects `deleteWebhook`.
            sqlite3.Error: An update cannot be stored. It is not confirmed, so Telegram sends it again.
        """
        # Telegram rejects getUpdates while a webhook is set.
        await retry_until_success(self._bot.delete_webhook, self._webhook_outages)
        failures = 0
        while True:
            try:
                updates = await self._get_updates(_LONG_POLL_SECONDS)
            except InvalidToken:
                raise rejected_token_error() from None
            except TelegramError as error:
                failures += 1
                self._outages.record_failure(error)
                self._check_conflict(error)
                await wait_before_retry(error, failures)
            else:
                failures = 0
                self._conflict_since = None
                self._outages.record_success()
                self._store_before_confirming(updates)

    async def confirm(self) -> None:
        """Confirms the stored updates, so that Telegram does not send them again at the next start."""
        if self._offset is not None:
            await self._get_updates(0)

    async def _get_updates(self, timeout: int) -> Sequence[Update]:
        """Gets updates. Telegram takes the offset as the confirmation of all updates below it."""
        updates = await self._bot.get_updates(
            offset=self._offset, timeout=timeout, limit=_MAX_UPDATES, allowed_updates=ALLOWED_UPDATES
        )
        # The offset is sent once. After a week without updates Telegram continues with a random update id, which may be
        # lower: the old offset would then confirm updates that were never received.
        self._offset = None
        return updates

    def _store_before_confirming(self, updates: Sequence[Update]) -> None:
        """Stores updates and then sets the offset that confirms them with the next `getUpdates`."""
        if not updates:
            return
        oldest_first = sorted(updates, key=lambda update: update.update_id)
        self._update_handler.store_updates(oldest_first)
        self._offset = oldest_first[-1].update_id + 1

    def _check_conflict(self, error: TelegramError) -> None:
        """Raises StageError if 409 responses (Conflict) have lasted too long."""
        if not isinstance(error, Conflict):
            self._conflict_since = None
            return
        now = time.monotonic()
        if self._conflict_since is None:
            self._conflict_since = now
        if now - self._conflict_since >= CONFLICT_TIMEOUT:
            raise StageError(
                "another program is receiving this bot's updates", "stop it, or use another bot's token here"
            ) from None
