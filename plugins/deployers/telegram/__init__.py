"""The Telegram deployer: a bot that people write to.

How a message travels: `polling` (or `webhook`) receives an update, `intake` decides what it means and writes that into
the `store`, `answering` has the model answer what waits in the store, `sending` delivers. Each step ends in one
transaction of the store, so that the bot may be killed between any two and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autocakechat import DeployerType, hookimpl
from autocakechat.plugins.deployers.telegram.options import Options

if TYPE_CHECKING:
    from autocakechat import RunContext, TrainedModel


def deploy(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Answers on Telegram until it is told to stop."""
    from autocakechat.plugins.deployers.telegram.service import serve

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
