"""Fixtures of the deployers' tests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autocakechat import RunContext
from tests.deployers.responders import Echo
from tests.deployers.telegram.support.bot_api import BotApi
from tests.deployers.telegram.support.bot_thread import BotThread


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def api() -> Iterator[BotApi]:
    api = BotApi()
    yield api
    api.close()


@pytest.fixture
def bot(api: BotApi, echo: Echo, run: RunContext, caplog: pytest.LogCaptureFixture) -> Callable[..., BotThread]:
    """Makes bots that use the test's Bot API server and, by default, reply with its echo."""
    caplog.set_level(logging.DEBUG)

    def make(**options: Any) -> BotThread:
        return BotThread(api, options.pop("responder", echo), run, **options)

    return make
