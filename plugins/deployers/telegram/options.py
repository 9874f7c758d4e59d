"""The options of the Telegram deployer."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs
from attrs import validators

from autocakechat import Secret, option

_GUEST = re.compile(r"-?\d+|@?[a-z]\w{3,31}", re.ASCII | re.IGNORECASE)
_WEB_ADDRESS = re.compile(r"https?://\S+")


def _guests(_: Any, __: attrs.Attribute[Any], value: Literal["everyone"] | list[int | str]) -> None:
    if not value:
        raise ValueError('nobody is invited; list user ids, usernames or chat ids, or say "everyone"')
    for guest in value if isinstance(value, list) else ():
        if not _GUEST.fullmatch(str(guest).strip()):
            raise ValueError(f'{guest!r} is nobody; write ids and usernames, such as 123456789, "anna", -1001234567890')


def _web_address(_: Any, __: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None and not (_WEB_ADDRESS.fullmatch(value) and _has_host(value)):
        raise ValueError("this is no web address such as https://example.org/bot")


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


@attrs.frozen(kw_only=True)
class Options:
    """Options of the Telegram deployer."""

    token: Secret = option(help="the bot's token, as @BotFather gave it")
    allow: Literal["everyone"] | list[int | str] = option(
        help='who may talk to the bot: user ids, usernames and ids of groups, or "everyone"', check=_guests
    )
    base_url: str = option(
        default="https://api.telegram.org", help="where the Bot API is, if you run one of your own", check=_web_address
    )
    welcome: str = option(
        default="Hello! I am an AI that imitates a person, trained on that person's chats. I am not the person, and I "
        "may say things that are wrong. Write to me, or see /help.",
        help="what /start answers; say that it is an AI",
    )
    fallback: str = option(
        default="Sorry, I have no answer to that.",
        help="what to say when the model fails or says nothing",
        check=validators.matches_re(r"(?s).*\S.*"),
    )
    settle: float = option(
        default=1.5, help="seconds of silence before the bot answers what was written", check=validators.ge(0)
    )
    settle_at_most: float = option(
        default=8.0, help="seconds after which it answers even if more is being written", check=validators.ge(0)
    )
    batch: int = option(default=32, help="most chats answered in one call of the model", check=validators.ge(1))
    separate_lines: bool = option(default=True, help="send each line of an answer as a message of its own")
    pause: float = option(default=0.8, help="seconds between the messages of an answer", check=validators.ge(0))
    sends_per_second: float = option(
        default=25.0, help="most messages sent in a second; Telegram allows about 30", check=validators.gt(0)
    )
    messages_per_minute: int = option(
        default=30, help="most messages of one user in a minute; who writes more is told so", check=validators.ge(1)
    )
    queue: int = option(
        default=1000, help="most messages that may wait; who writes then is told to come back", check=validators.ge(1)
    )
    forget_after_days: float = option(
        default=30.0, help="days after which what was said in a chat is forgotten", check=validators.gt(0)
    )
    log_texts: bool = option(default=False, help="show in the log what is written and answered")
    webhook_url: str | None = option(
        default=None,
        help="have Telegram send messages to this https address instead of asking for them",
        check=_web_address,
    )
    webhook_listen: str = option(default="127.0.0.1", help="address of this machine to listen on for the webhook")
    webhook_port: int = option(
        default=8080,
        help="port to listen on for the webhook",
        check=validators.and_(validators.ge(1), validators.le(65535)),
    )
    webhook_secret: Secret | None = option(
        default=None, help="what Telegram shows with each call of the webhook; by default made anew at each start"
    )
