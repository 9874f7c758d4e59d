"""The connection to Telegram's Bot API, and how its errors are told without ever telling the token."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

import httpx
from telegram import Bot, Update
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest
from telegram.warnings import PTBDeprecationWarning

from autocakechat import StageError, UserError
from autocakechat.plugins.deployers.telegram.journal import Journal

_T = TypeVar("_T")
_LIBRARIES = ("httpx", "httpcore", "telegram", "tornado")
_LONGEST_WAIT = 30.0

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


def told(error: TelegramError) -> str:
    """What an error of the library is called in a log: its kind alone, as its text may hold anything."""
    match error:
        case RetryAfter():
            return "Telegram asks to wait"
        case Conflict():
            return "another program is receiving this bot's messages"
        case Forbidden() | BadRequest() | InvalidToken():
            return f"Telegram refuses ({type(error).__name__})"
    cause = error.__cause__ or error
    return f"Telegram cannot be reached ({type(cause).__name__})"


def refused_token() -> UserError:
    """The error for a token that Telegram does not know."""
    return UserError("Telegram refused the bot's token", "check it, or get a new one from @BotFather")


class Trouble:
    """Says once that something fails, and once that it works again.

    Args:
        journal: Where to say it.
        what: What fails.
    """

    def __init__(self, journal: Journal, what: str) -> None:
        self.what = what
        self._journal = journal
        self._failing: dict[int, float] = {}

    def begins(self, error: TelegramError, part: int = 0) -> None:
        """Takes note of a failure of one of the parts that work at the same time."""
        if not self._failing:
            self._journal.tell("trouble", level=logging.WARNING, what=self.what, reason=told(error))
        self._failing.setdefault(part, time.monotonic())

    def ends(self, part: int = 0) -> None:
        """Takes note of a success."""
        since = self._failing.pop(part, None)
        if since is not None and not self._failing:
            self._journal.tell("trouble over", what=self.what, seconds=time.monotonic() - since)


def seconds_to_wait(error: TelegramError, failures: int) -> float:
    """How long to wait after so many failures: as long as Telegram asks, else longer each time, to half a minute."""
    if isinstance(error, RetryAfter):
        return _seconds_asked(error) + random.uniform(0, 0.5)  # noqa: S311
    longest = min(_LONGEST_WAIT, 0.25 * 2 ** min(failures, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311 - so that not all try again at once


def _seconds_asked(error: RetryAfter) -> float:
    asked = error.retry_after
    return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)


async def insist(call: Callable[[], Awaitable[_T]], trouble: Trouble) -> _T:
    """Makes a call of the Bot API until it works.

    Raises:
        UserError: Telegram refuses the token.
        StageError: Telegram refuses the call.
    """
    for failures in count(1):
        try:
            result = await call()
        except InvalidToken:
            raise refused_token() from None
        except (BadRequest, Forbidden) as error:
            raise StageError(f"{trouble.what}: {told(error)}") from None
        except TelegramError as error:
            trouble.begins(error)
            await asyncio.sleep(seconds_to_wait(error, failures))
        else:
            trouble.ends()
            return result
    raise AssertionError("never reached")
