"""Tests of the progress display that writes log lines."""

from __future__ import annotations

import logging
from contextlib import ExitStack, redirect_stderr
from io import StringIO

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


class Terminal(StringIO):
    """A standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_bar_is_shown_while_standard_error_is_redirected(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    log = logging.getLogger("autocakechat.test")
    log.setLevel(logging.INFO)
    with ExitStack() as stack:
        bar = stack.enter_context(progress_for(log)("loading", total=4))
        with redirect_stderr(StringIO()):
            bar.advance(3, loss="1.234")
            stack.close()
    assert "loss 1.234" in terminal.getvalue()
