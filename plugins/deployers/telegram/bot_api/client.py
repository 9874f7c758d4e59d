"""The Bot API client. It never reveals the token: not in its representation, not in log lines of its libraries."""

from __future__ import annotations

import logging
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import httpx
from telegram import Bot
from telegram.error import TelegramError
from telegram.request import HTTPXRequest
from telegram.warnings import PTBDeprecationWarning

from autocakechat import UserError
from autocakechat.plugins.deployers.telegram.bot_api.parsing import replace_unparsable

MAX_RETRY_AFTER = 3600
"""The longest time in seconds that the bot waits at Telegram's request before it tries again."""

_LIBRARY_LOGGERS = ("httpx", "httpcore", "telegram", "tornado")

_ok_responses: ContextVar[list[httpx.Response]] = ContextVar("_ok_responses")


class BotClient(Bot):
    """A Bot API client whose representation does not contain the token."""

    def __repr__(self) -> str:
        return "BotClient"


class BotApiRequest(HTTPXRequest):
    """The HTTP connection to the Bot API. No `retry_after` of a response stops the bot for long."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Parses a response of the Bot API."""
        try:
            response: dict[str, Any] = HTTPXRequest.parse_json_payload(payload)
        except RecursionError:
            raise TelegramError("invalid response") from None
        if not isinstance(response, dict):
            raise TelegramError("invalid response")
        parameters = response.get("parameters")
        if isinstance(parameters, dict) and "retry_after" in parameters:
            parameters["retry_after"] = _limit_retry_after(parameters["retry_after"])
        return response


class GetUpdatesRequest(BotApiRequest):
    """The HTTP connection for `getUpdates`.

    One update that the library cannot parse would make every `getUpdates` call fail. Such an update is replaced by an
    empty one, which is confirmed like any other. An update without a valid id cannot be confirmed and is left out.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Parses a response of the Bot API."""
        response = BotApiRequest.parse_json_payload(payload)
        if isinstance(response.get("result"), list):
            response["result"] = list(_valid_updates(response["result"]))
        return response


def _valid_updates(updates: list[Any]) -> Iterator[dict[str, Any]]:
    for update in updates:
        with suppress(ValueError):
            yield replace_unparsable(update)


def _limit_retry_after(seconds: Any) -> int:
    if not isinstance(seconds, int | float) or math.isnan(seconds):
        return 1
    return int(min(max(seconds, 1), MAX_RETRY_AFTER))


def connect(token: str, base_url: str) -> BotClient:
    """Creates a client; no request is sent yet.

    Args:
        token: The bot's token.
        base_url: URL of the Bot API, with or without the trailing `/bot` of Telegram's URLs.

    Raises:
        UserError: The token is malformed.
    """
    if not re.fullmatch(r"\d+:[\w-]+", token, re.ASCII):
        raise UserError("the bot's token is malformed", "copy it again from @BotFather: digits, a colon, letters")
    base_url = base_url.rstrip("/").removesuffix("/bot")
    request = BotApiRequest(
        connection_pool_size=64,
        read_timeout=15,
        connect_timeout=10,
        pool_timeout=30,
        httpx_kwargs={"event_hooks": {"response": [_record_ok_response]}},
    )
    get_updates_request = GetUpdatesRequest(
        connection_pool_size=2, read_timeout=10, connect_timeout=10, pool_timeout=30
    )
    return BotClient(
        token,
        base_url=f"{base_url}/bot",
        base_file_url=f"{base_url}/file/bot",
        request=request,
        get_updates_request=get_updates_request,
    )


@contextmanager
def silenced_libraries() -> Iterator[None]:
    """Disables the log and the deprecation warnings of the HTTP and Telegram libraries: their lines contain the token.

    The deployer logs the same failures itself, without the token.
    """
    loggers = [logging.getLogger(name) for name in _LIBRARY_LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PTBDeprecationWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def recorded_ok_responses() -> Iterator[list[httpx.Response]]:
    """Records the 200 responses to the call inside the block.

    If the connection breaks while the body of a 200 response is read, the call raises although Telegram carried it out.
    Repeating it would send a message twice. The list is then not empty.
    """
    responses: list[httpx.Response] = []
    reset_token = _ok_responses.set(responses)
    try:
        yield responses
    finally:
        _ok_responses.reset(reset_token)


async def _record_ok_response(response: httpx.Response) -> None:
    if response.status_code == httpx.codes.OK:
        _ok_responses.get([]).append(response)
