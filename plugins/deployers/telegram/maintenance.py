"""Periodic maintenance: writes the heartbeat every 10 seconds; logs counters and deletes expired data every minute.

None of this ends the bot: a failure is logged once.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from autocakechat.plugins.deployers.telegram.event_log import EventLog, SideTask
from autocakechat.plugins.deployers.telegram.receiving.rate_limits import RateLimits
from autocakechat.plugins.deployers.telegram.replying.health import Health
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
        heartbeat: Path of the heartbeat file. It is not written while the bot hangs.
        health: Knows whether the bot hangs.
        forget_after_days: Days after which stored messages expire.
    """

    def __init__(
        self,
        store: ConversationStore,
        rate_limits: RateLimits,
        event_log: EventLog,
        heartbeat: Path,
        health: Health,
        forget_after_days: float,
    ) -> None:
        self._store = store
        self._rate_limits = rate_limits
        self._event_log = event_log
        self._heartbeat = heartbeat
        self._health = health
        self._hangs = False
        self._cleanup = SideTask(event_log, "cleanup")
        self._heartbeat_task = SideTask(event_log, "heartbeat")
        self._retention_seconds = forget_after_days * _SECONDS_PER_DAY

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            with self._cleanup.attempt():
                self._rate_limits.delete_expired()
                self._event_log.log_summary()
                self._store.delete_expired(self._retention_seconds)
            for _ in range(_HEARTBEATS_PER_CLEANUP):
                with self._heartbeat_task.attempt():
                    self._beat()
                await asyncio.sleep(HEARTBEAT_INTERVAL)

    def _beat(self) -> None:
        """Tells supervisors that the bot is alive, unless it hangs."""
        problem = self._health.problem()
        if problem and not self._hangs:
            self._event_log.log("bot hangs", level=logging.ERROR, reason=problem)
        elif self._hangs and not problem:
            self._event_log.log("bot replies again")
        self._hangs = problem is not None
        if not self._hangs:
            notify_systemd("WATCHDOG=1")
            self._event_log.write_heartbeat(self._heartbeat)
