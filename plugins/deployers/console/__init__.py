"""The console deployer: a conversation in the terminal, or line by line in a script."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from autocakechat import DeployerType, hookimpl, option

if TYPE_CHECKING:
    from autocakechat import RunContext, TrainedModel


@attrs.frozen(kw_only=True)
class Options:
    """Options of the console deployer."""

    mood: str | None = option(
        default=None, help="the label to reply with at first; /mood changes it", affects_key=False
    )
    person: str = option(
        default="",
        help="who writes, an id as in the chat log: a model may reply differently to different people",
        affects_key=False,
    )
    candidates: bool = option(
        default=False, help="show the ranked candidates of each reply below it", affects_key=False
    )
    explain: bool = option(
        default=False, help="show below each reply what each of its features adds to its score", affects_key=False
    )


def deploy(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Replies on standard output to messages from standard input, until the input ends or the user leaves."""
    from autocakechat.plugins.deployers.console.conversation import Conversation
    from autocakechat.plugins.deployers.console.terminal import converse

    conversation = Conversation(model.load(), options.mood, options.candidates, options.explain, options.person)
    converse(conversation, run)


@hookimpl
def acc_deployers() -> Iterable[DeployerType]:
    """Yields the console deployer."""
    yield DeployerType(name="console", summary="a conversation in the terminal", config=Options, deploy=deploy)
