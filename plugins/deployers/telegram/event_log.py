"""The bot's log, one line an event, and its counters."""

from __future__ import annotations

import json
import logging
import os
import statistics
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path

from autocakechat import escape_control_characters

_LATENCIES = 1000


class Journal:
    """Writes events as `event key=value ...` and counts them.

    Args:
        log: Where the lines go.
        texts: Whether lines may hold what people write.
    """

    def __init__(self, log: logging.Logger, texts: bool = False) -> None:
        self._log = log
        self._texts = texts
        self._counts: Counter[str] = Counter()
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._summed_up: Counter[str] = Counter()

    def tell(self, event: str, *, level: int = logging.INFO, text: str | None = None, **fields: object) -> None:
        """Writes a line.

        Args:
            event: What happened, in a word or two.
            level: How important it is.
            text: What somebody wrote; left out unless texts were asked for.
            fields: What is known about it; what is None is left out.
        """
        if self._texts and text is not None:
            fields["text"] = text
        self._write(level, event, fields)

    def count(self, what: str, times: int = 1) -> None:
        """Counts something that happened: `received`, `answered`, `refused`, `failed`."""
        self._counts[what] += times

    def took(self, seconds: float) -> None:
        """Takes note of how long somebody waited for an answer."""
        self._latencies.append(seconds)

    def figures(self) -> dict[str, float]:
        """All counters since the start, and the latencies of the last answers in seconds."""
        figures: dict[str, float] = {what: self._counts[what] for what in ("received", "answered", "refused", "failed")}
        if self._latencies:
            figures["latency_p50"] = round(statistics.median(self._latencies), 3)
            figures["latency_p95"] = round(sorted(self._latencies)[int(len(self._latencies) * 0.95)], 3)
        return figures

    def sum_up(self, always: bool = False) -> None:
        """Writes the counters, if anything happened since the last time."""
        if always or self._counts != self._summed_up:
            self._summed_up = self._counts.copy()
            self._write(logging.INFO, "counters", self.figures())

    def beat(self, file: Path) -> None:
        """Writes a file that shows a supervisor, by its age, that the bot is alive."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps({"time": round(time.time()), "pid": os.getpid()} | self.figures()) + "\n", "utf-8")
        new.replace(file)

    def _write(self, level: int, event: str, fields: Mapping[str, object]) -> None:
        known = [f"{key}={_shown(value)}" for key, value in fields.items() if value is not None]
        self._log.log(level, "%s", " ".join([event, *known]))


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if value < 100 else f"{value:.0f}"
    text = escape_control_characters(str(value))
    return json.dumps(text, ensure_ascii=False) if not text or " " in text or '"' in text else text
