"""Tests of the progress display that writes log lines."""

from __future__ import annotations

import logging

import pytest

from autocakechat.display import progress
from autocakechat.display.progress import progress_for


def test_log_gets_a_line_every_ten_seconds(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 4.0, 12.0, 13.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    log = logging.getLogger("autocakechat.test")
    caplog.set_level(logging.INFO, logger=log.name)
    with progress_for(log)("training", total=100, unit="batches") as bar:
        bar.advance(20, loss=2.0)
        bar.advance(20, loss=1.23456)
        bar.advance(20, loss=1.0)
    assert caplog.messages == ["training: 40/100 batches loss 1.235 about 18 s left"]
