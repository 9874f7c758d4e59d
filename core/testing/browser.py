"""A real browser for the tests of HTML pages. It needs Playwright and Chromium; tests are skipped without them.

pip install playwright
apt install chromium
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_LOCAL = ("http://127.0.0.1:", "file:", "data:", "about:")
_TIMEOUT = 10_000  # milliseconds


@contextmanager
def chromium() -> Iterator[Any]:
    """Starts Chromium without a window, and yields Playwright's `Browser`. Skips the test if it is not installed."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the page was not tested: playwright is not installed"
    )
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip("the page was not tested: Chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=list(_SWITCHES))
        yield browser
        browser.close()


@contextmanager
def checked_page(browser: Any, **context: Any) -> Iterator[Any]:
    """Opens a page on a screen as small as a phone's, and checks afterwards that it behaved.

    Args:
        browser: The browser.
        context: Options of Playwright's `Browser.new_context`.

    Yields:
        Playwright's `Page`. It accepts dialogs.

    Raises:
        AssertionError: A script failed, the page violated its content security policy, or it sent a request to
            another computer.
    """
    opened = browser.new_context(**{"viewport": {"width": 360, "height": 640}} | context)
    page = opened.new_page()
    page.set_default_timeout(_TIMEOUT)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    page.on("dialog", lambda dialog: dialog.accept())
    page.on("request", lambda request: None if request.url.startswith(_LOCAL) else problems.append(request.url))
    yield page
    opened.close()
    assert problems == []
