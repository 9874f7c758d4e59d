"""Periodic maintenance: writes the heartbeat every 10 seconds; logs counters and deletes expired data every minute."""

from __future__ import annotations

import asyncio
from pathlib import Path

from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.receiving.rate_limits import RateLimits
from autocakechat.plugins.deployers.telegram.storage.database import cannot_write
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore
from autocakechat.plugins.deployers.telegram.systemd import notify_systemd

HEARTBEAT_INTERVAL = 10.0
"""Seconds between two heartbeats."""

_HEARTBEATS_PER_CLEANUP = 6  # so expired data is deleted once a minute
_SECONDS_PER_DAY = 24 * 3600.0


class Maintenance:
    """The maintenance loop.

    Args:
        store: The store whose expired data the loop deletes.
        rate_limits: The rate limits whose expired entries the loop deletes.
        event_log: The event log whose counters the loop logs and writes to the heartbeat file.
        heartbeat: Path of the heartbeat file.
        forget_after_days: Days after which stored messages expire.
    """

    def __init__(
        self,
        store: ConversationStore,
        rate_limits: RateLimits,
        event_log: EventLog,
        heartbeat: Path,
        forget_after_days: float,
    ) -> None:
        self._store = store
        self._rate_limits = rate_limits
        self._event_log = event_log
        self._heartbeat = heartbeat
        self._retention_seconds = forget_after_days * _SECONDS_PER_DAY

    async def run(self) -> None:
        """Runs until it is cancelled.

        Raises:
            StageError: The state folder cannot be written.
        """
        while True:
            self._store.delete_expired(self._retention_seconds)
            self._rate_limits.delete_expired()
            self._event_log.log_summary()
            for _ in range(_HEARTBEATS_PER_CLEANUP):
                try:
                    self._event_log.write_heartbeat(self._heartbeat)
                except OSError as error:
                    raise cannot_write(self._heartbeat.parent, error) from None
                notify_systemd("WATCHDOG=1")
                await asyncio.sleep(HEARTBEAT_INTERVAL)
