"""The connection to Telegram's Bot API, kept from telling the token."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpx
from telegram import Bot, Update
from telegram.request import HTTPXRequest
from telegram.warnings import PTBDeprecationWarning

from autocakechat import UserError

_LIBRARIES = ("httpx", "httpcore", "telegram", "tornado")

_accepted: ContextVar[list[bool]] = ContextVar("_accepted")


class QuietBot(Bot):
    """A bot that keeps its token to itself."""

    def __repr__(self) -> str:
        return "QuietBot"


class PollRequest(HTTPXRequest):
    """The connection that updates come through.

    An update that the library cannot read would fail the whole batch, for ever; here it becomes an update without
    content, which is then confirmed like any other.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Reads a response of the Bot API."""
        response: dict[str, Any] = HTTPXRequest.parse_json_payload(payload)
        if isinstance(response.get("result"), list):
            response["result"] = [_readable(update) for update in response["result"]]
        return response


def _readable(update: dict[str, Any]) -> dict[str, Any]:
    try:
        Update.de_json(update, None)
    except Exception:  # whatever the library stumbles over
        return {"update_id": update["update_id"]}
    return update


def connect(token: str, base_url: str) -> QuietBot:
    """Makes a bot; nothing is sent yet.

    Args:
        token: The bot's token.
        base_url: Where the Bot API is, with or without the `/bot` that Telegram's addresses end with.

    Raises:
        UserError: This is no token.
    """
    if not re.fullmatch(r"\d+:[\w-]+", token, re.ASCII):
        raise UserError("the bot's token is malformed", "copy it again from @BotFather: digits, a colon, letters")
    base_url = base_url.rstrip("/").removesuffix("/bot")
    hooks = {"event_hooks": {"response": [_note_accepted]}}
    return QuietBot(
        token,
        base_url=f"{base_url}/bot",
        base_file_url=f"{base_url}/file/bot",
        request=HTTPXRequest(
            connection_pool_size=64, read_timeout=15, connect_timeout=10, pool_timeout=30, httpx_kwargs=hooks
        ),
        get_updates_request=PollRequest(connection_pool_size=2, read_timeout=10, connect_timeout=10, pool_timeout=30),
    )


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keeps the libraries from logging: their lines hold the token. What matters in them is told by this plugin.

    Nor do users need to hear which attributes the library is about to change.
    """
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
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
def noting_acceptance() -> Iterator[list[bool]]:
    """Notes whether Telegram accepts the call made inside: the list is then not empty.

    A connection may break when the answer has begun to come. The call then fails, and yet it was carried out: to make
    it again would send a message twice.
    """
    accepted: list[bool] = []
    token = _accepted.set(accepted)
    try:
        yield accepted
    finally:
        _accepted.reset(token)


async def _note_accepted(response: httpx.Response) -> None:
    if response.status_code == httpx.codes.OK:
        _accepted.get([]).append(True)
