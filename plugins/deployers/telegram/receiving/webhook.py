"""Receives updates by webhook: an HTTP server that Telegram calls. It returns 200 only after an update is stored.

The library's own server is not used: it reads bodies of up to 100 MB before it checks the secret, waits for slow
requests for an hour, and rejects an update that it cannot parse, which Telegram then sends again for a day.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import secrets
import socket
import sqlite3
from urllib.parse import urlsplit

from autocakechat import UserError
from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient
from autocakechat.plugins.deployers.telegram.bot_api.retries import OutageLog, retry_until_success
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.options import Options
from autocakechat.plugins.deployers.telegram.receiving.polling import ALLOWED_UPDATES
from autocakechat.plugins.deployers.telegram.receiving.update_handler import UpdateHandler

_SECRET_BYTES = 32


class WebhookServer:
    """The webhook's HTTP server.

    Args:
        bot: The Bot API client.
        update_handler: Stores the updates.
        options: The deployer's options.
        event_log: Receives the start of the server and failures.

    Raises:
        UserError: Tornado is not installed, or Telegram does not accept the secret.
    """

    def __init__(self, bot: BotClient, update_handler: UpdateHandler, options: Options, event_log: EventLog) -> None:
        if importlib.util.find_spec("tornado") is None:
            raise UserError("a webhook needs tornado", "pip install 'python-telegram-bot[webhooks]'")
        self._bot = bot
        self._update_handler = update_handler
        self._options = options
        self._event_log = event_log
        # Without a secret, anyone who knows the URL could forge messages of any user.
        self._secret = (
            options.webhook_secret.reveal() if options.webhook_secret else secrets.token_urlsafe(_SECRET_BYTES)
        )
        if not re.fullmatch(r"[\w-]{1,256}", self._secret, re.ASCII):
            raise UserError(
                "webhook_secret: Telegram accepts only letters, digits, _ and -, at most 256", "choose another secret"
            )

    async def run(self) -> None:
        """Runs until it is cancelled.

        Raises:
            UserError: The port is not available.
            StageError: Telegram rejects the webhook.
            sqlite3.Error: An update cannot be stored. Telegram got an error response and sends it again.
        """
        from autocakechat.plugins.deployers.telegram.receiving.webhook_server import make_server

        options = self._options
        url = options.webhook_url
        assert url is not None
        failure: asyncio.Future[sqlite3.Error] = asyncio.get_running_loop().create_future()
        listener = _listen(options.webhook_listen, options.webhook_port)
        server = make_server(urlsplit(url).path, self._secret, self._update_handler, failure)
        try:
            server.add_socket(listener)
            await retry_until_success(lambda: self._set_webhook(url), OutageLog(self._event_log, "setWebhook"))
            self._event_log.log("listening", address=options.webhook_listen, port=options.webhook_port)
            raise await failure
        finally:
            server.stop()
            await server.close_all_connections()

    async def confirm(self) -> None:
        """Does nothing: each update is confirmed by the 200 response to its own request."""

    async def _set_webhook(self, url: str) -> None:
        await self._bot.set_webhook(
            url=url,
            secret_token=self._secret,
            allowed_updates=ALLOWED_UPDATES,
            max_connections=1,  # parallel requests could overtake each other and reorder a user's messages
        )


def _listen(host: str, port: int) -> socket.socket:
    """Listens on a port, before Telegram is asked to call it.

    Raises:
        UserError: The port is not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]  # Python adds the address, which is already named
        raise UserError(f"cannot listen on {host}:{port}: {reason}", "choose another webhook_port") from None
    listener.setblocking(False)
    return listener
