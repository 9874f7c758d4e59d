"""The Telegram deployer: a bot that people write to.

How a message travels: `polling` fetches an update, `intake` decides what it means and writes that into the `store`,
`answering` has the model answer what waits in the store, `sending` delivers. Each step ends in one transaction of the
store, so that the bot may be killed between any two and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import attrs
from attrs import validators

from autocakechat import DeployerType, RunContext, Secret, TrainedModel, hookimpl, option


def _somebody(_: Any, __: attrs.Attribute[Any], value: Any) -> None:
    if not value:
        raise ValueError('nobody is invited; list user ids, usernames or chat ids, or say "everyone"')


@attrs.frozen(kw_only=True)
class Options:
    """Options of the Telegram deployer."""

    token: Secret = option(help="the bot's token, as @BotFather gave it")
    allow: Literal["everyone"] | list[int | str] = option(
        help='who may talk to the bot: user ids, usernames and chat ids, or "everyone"', check=_somebody
    )
    base_url: str = option(
        default="https://api.telegram.org", help="where the Bot API is", check=validators.matches_re("https?://.+")
    )
    welcome: str = option(
        default="Hello! I am an AI that imitates a person, trained on that person's chats. I am not the person, and I "
        "may say things that are wrong. Write to me, or see /help.",
        help="what /start answers",
    )
    fallback: str = option(default="Sorry, I have no answer to that.", help="what to say when the model fails")


def deploy(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Answers on Telegram until it is told to stop."""
    from autocakechat.plugins.deployers.telegram.deployer import serve

    serve(options, model, run)


@hookimpl
def acc_deployers() -> Iterable[DeployerType]:
    """Yields the Telegram bot."""
    yield DeployerType(
        name="telegram",
        summary="a bot on Telegram",
        config=Options,
        deploy=deploy,
        requires=("telegram",),
        install="pip install 'autocakechat[telegram]'",
    )
