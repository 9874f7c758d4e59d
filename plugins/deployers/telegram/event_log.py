"""The bot's log, one line per event, and its counters."""

from __future__ import annotations

import json
import logging
import os
import statistics
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from autocakechat import escape_control_characters

_COUNTERS = ("received", "answered", "refused", "failed")
_LATENCY_WINDOW = 1000


class EventLog:
    """Logs events as `event key=value ...` lines and keeps counters.

    Args:
        logger: Receives the lines.
        include_texts: Whether lines may contain message texts.
    """

    def __init__(self, logger: logging.Logger, include_texts: bool = False) -> None:
        self._logger = logger
        self._include_texts = include_texts
        self._counts: Counter[str] = Counter()
        self._summarised_counts: Counter[str] = Counter()
        self._latencies: deque[float] = deque(maxlen=_LATENCY_WINDOW)

    def log(self, event: str, *, level: int = logging.INFO, text: str | None = None, **fields: object) -> None:
        """Logs an event.

        Args:
            event: Name of the event, one to three words.
            level: Log level.
            text: Text of a message; omitted unless the log includes texts.
            fields: Details of the event; fields that are None are omitted.
        """
        if self._include_texts and text is not None:
            fields["text"] = text
        self._write(level, event, fields)

    def count(self, counter: str) -> None:
        """Increments a counter: `received`, `answered`, `refused` or `failed`."""
        self._counts[counter] += 1

    def record_latency(self, seconds: float) -> None:
        """Records the time from the first message of a burst to the first message of its reply."""
        self._latencies.append(seconds)

    def counters(self) -> dict[str, float]:
        """Returns the counters since the start, and the latency percentiles of recent replies in seconds."""
        counters: dict[str, float] = {name: self._counts[name] for name in _COUNTERS}
        if self._latencies:
            counters["latency_p50"] = round(statistics.median(self._latencies), 3)
            counters["latency_p95"] = round(sorted(self._latencies)[int(len(self._latencies) * 0.95)], 3)
        return counters

    def log_summary(self, always: bool = False) -> None:
        """Logs the counters if they changed since the last summary.

        Args:
            always: Logs them even if they did not change.
        """
        if always or self._counts != self._summarised_counts:
            self._summarised_counts = self._counts.copy()
            self._write(logging.INFO, "counters", self.counters())

    def write_heartbeat(self, path: Path) -> None:
        """Writes the heartbeat file, whose age tells a supervisor whether the bot is alive."""
        heartbeat = {"time": round(time.time()), "pid": os.getpid(), **self.counters()}
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(heartbeat) + "\n", "utf-8")
        temporary.replace(path)

    def _write(self, level: int, event: str, fields: Mapping[str, object]) -> None:
        pairs = [f"{key}={_format_value(value)}" for key, value in fields.items() if value is not None]
        self._logger.log(level, "%s", " ".join([event, *pairs]))


class SideTask:
    """A task whose failure must not end the bot, such as the heartbeat. Its first failure and its recovery are logged.

    Args:
        event_log: Receives the events.
        name: Name of the task.
    """

    def __init__(self, event_log: EventLog, name: str) -> None:
        self._event_log = event_log
        self._name = name
        self._has_failed = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Runs the block, and logs an error that it raises."""
        try:
            yield
        except Exception as error:
            if not self._has_failed:
                reason = error.strerror if isinstance(error, OSError) else None
                self._event_log.log(
                    f"{self._name} failed", level=logging.WARNING, reason=reason or type(error).__name__
                )
            self._has_failed = True
        else:
            if self._has_failed:
                self._event_log.log(f"{self._name} works again")
            self._has_failed = False


def _format_value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if value < 100 else f"{value:.0f}"
    text = escape_control_characters(str(value))
    needs_quotes = not text or " " in text or '"' in text
    return json.dumps(text, ensure_ascii=False) if needs_quotes else text
