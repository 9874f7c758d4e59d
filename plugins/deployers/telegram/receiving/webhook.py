"""Has Telegram send updates to a small web server here. Telegram is told 200 only after an update was stored."""

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
from autocakechat.plugins.deployers.telegram.bot_api.client import QuietBot
from autocakechat.plugins.deployers.telegram.bot_api.retries import Trouble, insist
from autocakechat.plugins.deployers.telegram.event_log import Journal
from autocakechat.plugins.deployers.telegram.options import Options
from autocakechat.plugins.deployers.telegram.receiving.polling import KINDS
from autocakechat.plugins.deployers.telegram.receiving.update_handler import Intake


class Webhook:
    """The web server.

    Args:
        bot: The connection.
        intake: What takes updates in.
        options: The deployer's options.
        journal: Where to tell.

    Raises:
        UserError: The library for web servers is missing.
    """

    def __init__(self, bot: QuietBot, intake: Intake, options: Options, journal: Journal) -> None:
        if importlib.util.find_spec("tornado") is None:
            raise UserError("a webhook needs tornado", "pip install 'python-telegram-bot[webhooks]'")
        self._bot = bot
        self._inbox = _Inbox(intake)
        self._options = options
        self._journal = journal
        # Whoever knows the address could write to the bot in anybody's name; so there always is a secret.
        self._secret = options.webhook_secret.reveal() if options.webhook_secret else secrets.token_urlsafe(32)
        if not re.fullmatch(r"[\w-]{1,256}", self._secret, re.ASCII):
            raise UserError(
                "webhook_secret: Telegram takes only letters, digits, _ and -, at most 256", "choose another"
            )

    async def run(self) -> None:
        """Serves until it is cancelled.

        Raises:
            UserError: The port cannot be listened on.
            StageError: Telegram refuses the webhook.
            sqlite3.Error: An update cannot be stored; Telegram was not told that it came.
        """
        _check_port(self._options.webhook_listen, self._options.webhook_port)
        updater = Updater(self._bot, self._inbox)
        await updater.initialize()
        await insist(lambda: self._start(updater), Trouble(self._journal, "setting the webhook"))
        self._journal.tell("listening", address=self._options.webhook_listen, port=self._options.webhook_port)
        try:
            raise await self._inbox.failure
        finally:
            await updater.stop()

    async def confirm(self) -> None:
        """Everything is confirmed at once."""

    async def _start(self, updater: Updater) -> None:
        options = self._options
        assert options.webhook_url is not None
        await updater.start_webhook(
            listen=options.webhook_listen,
            port=options.webhook_port,
            url_path=re.escape(urlsplit(options.webhook_url).path),
            webhook_url=options.webhook_url,
            secret_token=self._secret,
            allowed_updates=KINDS,
            max_connections=1,  # with more, what one person writes may overtake itself
        )


def _check_port(host: str, port: int) -> None:
    """Raises UserError if nothing can listen there: better now than after Telegram was told to call."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise UserError(f"cannot listen on {host}:{port}: {error.strerror}", "choose another webhook_port") from None


class _Inbox(asyncio.Queue[object]):
    """Where the library puts updates; it tells Telegram 200 when `put` returns, which is when they are stored."""

    def __init__(self, intake: Intake) -> None:
        super().__init__()
        self.failure: asyncio.Future[sqlite3.Error] = asyncio.get_running_loop().create_future()
        self._intake = intake

    async def put(self, item: object) -> None:
        """Takes an update in."""
        assert isinstance(item, Update)
        try:
            self._intake.take([item])
        except sqlite3.Error as error:
            if not self.failure.done():
                self.failure.set_result(error)
            raise
