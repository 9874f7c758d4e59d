"""What the bot does every now and then: shows that it is alive, sums up, forgets what is old."""

from __future__ import annotations

import asyncio
from pathlib import Path

from autocakechat.plugins.deployers.telegram.event_log import Journal
from autocakechat.plugins.deployers.telegram.receiving.rate_limits import Limits
from autocakechat.plugins.deployers.telegram.storage.store import Store

BEAT_EVERY = 10.0
"""Seconds between two writings of the heartbeat file."""

_BEATS_TO_SUM_UP = 6
_DAY = 24 * 3600.0


class Housekeeping:
    """The loop for all that.

    Args:
        store: What to tidy.
        limits: What to tidy as well.
        journal: What to sum up.
        heartbeat: The file whose age shows that the bot is alive.
        forget_after_days: Days after which what was said is forgotten.
    """

    def __init__(
        self, store: Store, limits: Limits, journal: Journal, heartbeat: Path, forget_after_days: float
    ) -> None:
        self._store = store
        self._limits = limits
        self._journal = journal
        self._heartbeat = heartbeat
        self._forget_after = forget_after_days * _DAY

    async def run(self) -> None:
        """Keeps house until it is cancelled."""
        while True:
            self._store.tidy(self._forget_after)
            self._limits.tidy()
            self._journal.sum_up()
            for _ in range(_BEATS_TO_SUM_UP):
                self._journal.beat(self._heartbeat)
                await asyncio.sleep(BEAT_EVERY)
