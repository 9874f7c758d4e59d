"""The Telegram deployer: runs a bot.

The path of a message:

1. `receiving/polling.py` or `receiving/webhook.py` receives an update.
2. `receiving/update_handler.py` stores it, and everything that it causes, in `storage/store.py`. Only then is the
   update confirmed to Telegram.
3. `replying/reply_loop.py` generates replies to the pending messages of the store and puts them into the outbox.
4. `replying/delivery.py` sends the outbox.

Each step ends with one transaction of the store, so a bot that is killed between two steps continues where it was.
`bot_api/retries.py` handles failed calls and rate limits (429). `service.py` starts, connects and stops the parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autocakechat import DeployerType, hookimpl
from autocakechat.plugins.deployers.telegram.options import Options

if TYPE_CHECKING:
    from autocakechat import RunContext, TrainedModel


def deploy(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Runs the bot until SIGINT or SIGTERM."""
    from autocakechat.plugins.deployers.telegram.service import serve

    serve(options, model, run)


@hookimpl
def acc_deployers() -> Iterable[DeployerType]:
    """Yields the Telegram deployer."""
    yield DeployerType(
        name="telegram",
        summary="a bot on Telegram",
        config=Options,
        deploy=deploy,
        requires=("telegram",),
        install="pip install 'autocakechat[telegram]'",
    )
