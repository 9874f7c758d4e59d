"""Runs the Telegram deployer in a thread of the test process."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from autocakechat import Responder, RunContext, Secret
from autocakechat.plugins.deployers.telegram.bot_api.client import connect, silenced_libraries
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.options import Options
from autocakechat.plugins.deployers.telegram.service import serve_until
from tests.deployers.responders import model_of
from tests.deployers.telegram.support.bot_api import BotApi

# Short waits keep tests fast; tests of settling and pausing set their own.
FAST_OPTIONS = {"settle": 0.05, "pause": 0.0, "sends_per_second": 1000.0}


class BotThread:
    """A bot in a thread; `with` starts and stops it.

    Args:
        api: The Bot API server that it connects to.
        responder: The model.
        run: The run's log and state folder.
        options: Options of the deployer, besides the required ones.
    """

    def __init__(self, api: BotApi, responder: Responder, run: RunContext, **options: Any) -> None:
        self._api = api
        self._responder = responder
        self._run = run
        required = {"token": Secret(env="TOKEN"), "allow": "everyone", "base_url": api.url}
        self._options = Options(**(required | FAST_OPTIONS | options))
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._serve)
        self.error: BaseException | None = None

    def __enter__(self) -> BotThread:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self.join()
        if self.error:
            raise self.error

    def join(self, timeout: float = 20) -> None:
        """Waits until the bot has stopped."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "the bot did not stop"

    def _serve(self) -> None:
        try:
            with silenced_libraries(), self._runner:
                event_log = EventLog(self._run.log, self._options.log_texts)
                bot = connect(self._api.token, self._options.base_url)
                model = model_of(self._responder)
                self._runner.run(serve_until(self._stop, self._options, bot, model, self._run, event_log))
        except BaseException as error:
            self.error = error
