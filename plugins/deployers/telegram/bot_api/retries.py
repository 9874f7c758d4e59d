"""Retries of Bot API calls: exponential backoff, and the wait that Telegram asks for with a 429 (`retry_after`)."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from autocakechat import StageError, UserError
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.storage.records import Conversation

_T = TypeVar("_T")
_FIRST_BACKOFF_SECONDS = 0.5
_MAX_BACKOFF_SECONDS = 30.0
_MAX_DOUBLINGS = 10  # the maximum backoff needs six; after a thousand failures the power would overflow a float
_RETRY_AFTER_JITTER_SECONDS = 0.5


def describe_error(error: TelegramError) -> str:
    """Describes an error for the log. Its own text is left out, because that may contain message texts or the token."""
    match error:
        case RetryAfter():
            return f"rate limited by Telegram, retry after {_retry_after_seconds(error):g} s"
        case Conflict():
            return "another program is receiving this bot's updates"
        case Forbidden() | BadRequest() | InvalidToken():
            return f"rejected by Telegram ({type(error).__name__})"
    cause = error.__cause__ or error
    return f"call failed ({type(cause).__name__})"


def rejected_token_error() -> UserError:
    """Returns the error for a token that Telegram rejects."""
    return UserError("Telegram rejected the bot's token", "check it, or get a new one from @BotFather")


class OutageLog:
    """Logs the first failure of a Bot API method and its recovery; the failures between are not logged.

    Args:
        event_log: Receives the events.
        method: The Bot API method.
    """

    def __init__(self, event_log: EventLog, method: str) -> None:
        self.method = method
        self._event_log = event_log
        self._failing_since: dict[Conversation | None, float] = {}

    def record_failure(self, error: TelegramError, conversation: Conversation | None = None) -> None:
        """Records a failed call.

        Args:
            error: The error that it raised.
            conversation: The conversation that the call was for; None if it was for none. An outage lasts until the
                calls for all conversations have succeeded.
        """
        if not self._failing_since:
            reason = describe_error(error)
            self._event_log.log("retrying", level=logging.WARNING, method=self.method, reason=reason)
        self._failing_since.setdefault(conversation, time.monotonic())

    def record_success(self, conversation: Conversation | None = None) -> None:
        """Records a successful call."""
        since = self._failing_since.pop(conversation, None)
        if since is not None and not self._failing_since:
            self._event_log.log("recovered", method=self.method, seconds=time.monotonic() - since)


async def wait_before_retry(error: TelegramError, failures: int) -> None:
    """Waits after a failed call. After a 429 it waits as long as Telegram asks, otherwise with exponential backoff.

    Args:
        error: The error that the call raised.
        failures: How many times in a row the call has failed, at least 1.
    """
    if isinstance(error, RetryAfter):
        delay = _retry_after_seconds(error) + random.uniform(0, _RETRY_AFTER_JITTER_SECONDS)  # noqa: S311
    else:
        backoff = min(_MAX_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, _MAX_DOUBLINGS))
        delay = random.uniform(backoff / 2, backoff)  # noqa: S311 - jitter, so that not all calls retry at once
    await asyncio.sleep(delay)


def _retry_after_seconds(error: RetryAfter) -> float:
    retry_after = error.retry_after
    return retry_after.total_seconds() if isinstance(retry_after, timedelta) else float(retry_after)


async def retry_until_success(call: Callable[[], Awaitable[_T]], outages: OutageLog) -> _T:
    """Repeats a Bot API call until it succeeds.

    Args:
        call: Makes the call.
        outages: Logs its failures.

    Returns:
        The result of the call.

    Raises:
        UserError: Telegram rejects the token.
        StageError: Telegram rejects the call.
    """
    failures = 0
    while True:
        try:
            result = await call()
        except InvalidToken:
            raise rejected_token_error() from None
        except (BadRequest, Forbidden) as error:
            raise StageError(f"{outages.method}: {describe_error(error)}") from None
        except TelegramError as error:
            failures += 1
            outages.record_failure(error)
            await wait_before_retry(error, failures)
        else:
            outages.record_success()
            return result
