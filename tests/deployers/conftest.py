"""What the tests of deployers share."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from autocakechat import RunContext

from .bot_api import BotApi
from .responders import Echo
from .running import RunningBot


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: takes long; run with ACC_SOAK=1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("ACC_SOAK"):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="takes long; run with ACC_SOAK=1"))


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
