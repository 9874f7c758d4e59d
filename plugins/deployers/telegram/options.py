"""The options of the Telegram deployer."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs
from attrs import validators

from autocakechat import Secret, option

_ID_OR_USERNAME = re.compile(r"-?\d+|@?[a-z]\w{3,31}", re.ASCII | re.IGNORECASE)
_URL = re.compile(r"https?://\S+")


def _check_allow(_: Any, __: attrs.Attribute[Any], value: Literal["everyone"] | list[int | str]) -> None:
    if not value:
        raise ValueError('the list is empty; add user ids, usernames or chat ids, or write "everyone"')
    entries = value if isinstance(value, list) else []
    for entry in entries:
        if not _ID_OR_USERNAME.fullmatch(str(entry).strip()):
            raise ValueError(
                f"{entry!r} is not a user id, chat id or username; "
                'write ids and usernames such as 123456789, -1001234567890, "anna"'
            )


def _check_url(_: Any, __: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None and not (_URL.fullmatch(value) and _has_host(value)):
        raise ValueError("not a web address such as https://example.org/bot")


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid host or port
        return False


def is_sent_in_clear_text(url: str) -> bool:
    """Returns whether requests to a URL leave this machine without encryption."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:  # a name
        is_here = host == "localhost" or host.endswith(".localhost")
    return parts.scheme.lower() == "http" and not is_here


@attrs.frozen(kw_only=True)
class Options:
    """Options of the Telegram deployer."""

    token: Secret = option(help="the bot's token, from @BotFather")
    allow: Literal["everyone"] | list[int | str] = option(
        help='who may use the bot: user ids, usernames and ids of groups, or "everyone"', check=_check_allow
    )
    base_url: str = option(
        default="https://api.telegram.org",
        help="URL of the Bot API; set it for a Bot API server you run",
        check=_check_url,
    )
    welcome: str = option(
        default="Hello! I am an AI that imitates a person, trained on that person's chats. I am not the person, and I "
        "may say things that are wrong. Write to me, or see /help.",
        help="reply to /start; say that it is an AI",
    )
    fallback: str = option(
        default="Sorry, I have no answer to that.",
        help="reply when the model fails or returns an empty reply",
        check=validators.matches_re(r"(?s).*\S.*"),
    )
    settle: float = option(
        default=1.5,
        help="debounce: seconds without a new message in a chat before the bot replies",
        check=validators.ge(0),
    )
    settle_at_most: float = option(
        default=8.0,
        help="maximum debounce: seconds after the first message until the bot replies even if more keep coming",
        check=validators.ge(0),
    )
    batch: int = option(default=32, help="maximum number of chats in one call of the model", check=validators.ge(1))
    separate_lines: bool = option(default=True, help="send each line of a reply as a separate message")
    pause: float = option(default=0.8, help="seconds between the messages of a reply", check=validators.ge(0))
    sends_per_second: float = option(
        default=25.0,
        help="maximum number of messages sent per second; Telegram allows about 30",
        check=validators.gt(0),
    )
    messages_per_minute: int = option(
        default=30,
        help="maximum number of messages of one user per minute; the user is notified of the limit",
        check=validators.ge(1),
    )
    queue: int = option(
        default=1000,
        help="maximum number of messages waiting for a reply; users beyond it are asked to try again later",
        check=validators.ge(1),
    )
    hangs_after: float = option(
        default=120.0,
        help="seconds that a call of the model may take, or that messages may wait without any reply; then the "
        "heartbeat stops, so that a supervisor restarts the bot",
        check=validators.gt(0),
    )
    forget_after_days: float = option(
        default=30.0, help="days after which messages are deleted", check=validators.gt(0)
    )
    log_texts: bool = option(default=False, help="include the texts of messages and replies in the log")
    webhook_url: str | None = option(
        default=None,
        help="receive updates by webhook at this https address instead of by long polling",
        check=_check_url,
    )
    webhook_listen: str = option(default="127.0.0.1", help="local address on which the webhook listens")
    webhook_port: int = option(
        default=8080,
        help="local port on which the webhook listens",
        check=validators.and_(validators.ge(1), validators.le(65535)),
    )
    webhook_secret: Secret | None = option(
        default=None, help="secret that Telegram sends with each webhook request; by default a new one at each start"
    )
