"""Runs the Telegram deployer inside a test."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from autocakechat import Responder, RunContext, Secret
from autocakechat.plugins.deployers.telegram.bot_api.client import connect, quiet_libraries
from autocakechat.plugins.deployers.telegram.event_log import Journal
from autocakechat.plugins.deployers.telegram.options import Options
from autocakechat.plugins.deployers.telegram.service import serve_until
from tests.deployers.responders import trained
from tests.deployers.telegram.support.bot_api import BotApi

# Tests should not wait longer than they must; those of settling and pausing set their own.
FAST = {"settle": 0.05, "pause": 0.0, "sends_per_second": 1000.0}


class RunningBot:
    """A bot in a thread of its own; `with` starts and stops it.

    Args:
        api: Where it connects to.
        responder: Who answers.
        run: What it is handed.
        options: Options of the deployer other than those it always needs.
    """

    def __init__(self, api: BotApi, responder: Responder, run: RunContext, **options: Any) -> None:
        self._api = api
        self._responder = responder
        self._run = run
        self._options = Options(
            **({"token": Secret(env="TOKEN"), "allow": "everyone", "base_url": api.url} | FAST | options)
        )
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._serve)
        self.error: BaseException | None = None

    def __enter__(self) -> RunningBot:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self.join()
        if self.error:
            raise self.error

    def join(self, seconds: float = 20) -> None:
        """Waits until the bot has ended."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the bot did not stop"

    def _serve(self) -> None:
        try:
            with quiet_libraries(), self._runner:
                journal = Journal(self._run.log, self._options.log_texts)
                bot = connect(self._api.token, self._options.base_url)
                self._runner.run(
                    serve_until(self._stop, self._options, bot, trained(self._responder), self._run, journal)
                )
        except BaseException as error:
            self.error = error
