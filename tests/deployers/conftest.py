"""What the tests of deployers share."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from autocakechat import RunContext
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import BotApi
from tests.deployers.telegram.support.running import RunningBot


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def api() -> Iterator[BotApi]:
    api = BotApi()
    yield api
    api.close()


@pytest.fixture
def bot(api: BotApi, echo: Echo, run: RunContext, caplog: pytest.LogCaptureFixture) -> Any:
    """Makes bots that talk to the test's Bot API and answer with the test's echo."""
    caplog.set_level(logging.DEBUG)

    def make(**options: Any) -> RunningBot:
        return RunningBot(api, options.pop("responder", echo), run, **options)

    return make
