"""Asks Telegram for updates. An update is confirmed only after it was taken in, which is after it was stored.

The library's own Updater and Application are not used for this: they confirm updates that lie in memory only, and
swallow the failure of a handler, so that nobody could tell whether an update was stored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from telegram import Update
from telegram.error import Conflict, InvalidToken, TelegramError

from autocakechat import StageError
from autocakechat.plugins.deployers.telegram.bot_api.client import QuietBot
from autocakechat.plugins.deployers.telegram.bot_api.retries import Trouble, refused_token, seconds_to_wait
from autocakechat.plugins.deployers.telegram.event_log import Journal
from autocakechat.plugins.deployers.telegram.receiving.update_handler import Intake

KINDS = ("message",)
"""What Telegram is asked to send: new messages. An edited one is no new one."""

CONFLICT_LIMIT = 60.0
"""For how many seconds another receiver is borne: a restarted container may find the old one's request still open."""

_LONG_POLL = 20
_BATCH = 100


class Polling:
    """The loop that fetches updates.

    Args:
        bot: The connection.
        intake: What takes updates in.
        journal: Where to tell of failures.
    """

    def __init__(self, bot: QuietBot, intake: Intake, journal: Journal) -> None:
        self._bot = bot
        self._intake = intake
        self._trouble = Trouble(journal, "receiving")
        self._conflict_since: float | None = None
        self._offset: int | None = None

    async def run(self) -> None:
        """Fetches until it is cancelled.

        Raises:
            UserError: Telegram refuses the token.
            StageError: Another program goes on receiving this bot's messages.
            sqlite3.Error: An update cannot be stored; it was not confirmed and will come again.
        """
        failures = 0
        while True:
            try:
                updates = await self._fetch(_LONG_POLL)
            except InvalidToken:
                raise refused_token() from None
            except TelegramError as error:
                failures += 1
                self._bear(error)
                await asyncio.sleep(seconds_to_wait(error, failures))
            else:
                failures = 0
                self._conflict_since = None
                self._trouble.ends()
                self._take_in(updates)

    async def confirm(self) -> None:
        """Confirms what was taken in last, so that it does not come again at the next start."""
        if self._offset is not None:
            await self._fetch(0)

    async def _fetch(self, seconds: int) -> Sequence[Update]:
        updates = await self._bot.get_updates(offset=self._offset, timeout=seconds, limit=_BATCH, allowed_updates=KINDS)
        # What came before is confirmed now. To say so again might confirm what nobody has seen: after a quiet week
        # Telegram goes on with any number, a lower one too.
        self._offset = None
        return updates

    def _take_in(self, updates: Sequence[Update]) -> None:
        if updates:
            in_order = sorted(updates, key=lambda update: update.update_id)
            self._intake.take(in_order)
            self._offset = in_order[-1].update_id + 1

    def _bear(self, error: TelegramError) -> None:
        self._trouble.begins(error)
        if not isinstance(error, Conflict):
            self._conflict_since = None
            return
        now = time.monotonic()
        if self._conflict_since is None:
            self._conflict_since = now
        if now - self._conflict_since >= CONFLICT_LIMIT:
            raise StageError(
                "another program is receiving this bot's messages", "stop it, or use another bot's token here"
            ) from None
