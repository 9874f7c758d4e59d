"""Receives updates by webhook: an HTTP server that Telegram calls. It returns 200 only after an update is stored."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import secrets
import socket
import sqlite3
from urllib.parse import urlsplit

from telegram import Update
from telegram.ext import Updater

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
        self._queue = _StoringQueue(update_handler)
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
        _check_port(self._options.webhook_listen, self._options.webhook_port)
        updater = Updater(self._bot, self._queue)
        await updater.initialize()
        await retry_until_success(lambda: self._start(updater), OutageLog(self._event_log, "setWebhook"))
        self._event_log.log("listening", address=self._options.webhook_listen, port=self._options.webhook_port)
        try:
            raise await self._queue.failure
        finally:
            await updater.stop()

    async def confirm(self) -> None:
        """Does nothing: each update is confirmed by the 200 response to its own request."""

    async def _start(self, updater: Updater) -> None:
        options = self._options
        assert options.webhook_url is not None
        await updater.start_webhook(
            listen=options.webhook_listen,
            port=options.webhook_port,
            url_path=re.escape(urlsplit(options.webhook_url).path),
            webhook_url=options.webhook_url,
            secret_token=self._secret,
            allowed_updates=ALLOWED_UPDATES,
            max_connections=1,  # parallel requests could overtake each other and reorder a user's messages
        )


def _check_port(host: str, port: int) -> None:
    """Raises UserError if the port is not available, before Telegram is asked to call it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise UserError(f"cannot listen on {host}:{port}: {error.strerror}", "choose another webhook_port") from None


class _StoringQueue(asyncio.Queue[object]):
    """The queue that the library's HTTP server puts updates into.

    The server returns 200 to Telegram when `put` returns, so `put` stores the update before it returns.
    """

    def __init__(self, update_handler: UpdateHandler) -> None:
        super().__init__()
        self.failure: asyncio.Future[sqlite3.Error] = asyncio.get_running_loop().create_future()
        self._update_handler = update_handler

    async def put(self, item: object) -> None:
        """Stores an update."""
        assert isinstance(item, Update)
        try:
            self._update_handler.store_updates([item])
        except sqlite3.Error as error:
            if not self.failure.done():
                self.failure.set_result(error)
            raise
