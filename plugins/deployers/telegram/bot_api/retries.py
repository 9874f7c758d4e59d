"""What is done about errors of Telegram and the network: they are told once, without the token, and waited out."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from typing import TypeVar

from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from autocakechat import StageError, UserError
from autocakechat.plugins.deployers.telegram.event_log import Journal

_T = TypeVar("_T")
_LONGEST_WAIT = 30.0


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
