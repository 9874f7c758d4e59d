"""Decides what an update means and writes that into the store: a line that waits for an answer, or a message to send.

Everything that an update causes is one transaction together with the note that it was seen, so that an update that
comes twice counts once.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

from telegram import Message, Update

from autocakechat.plugins.deployers.telegram import incoming
from autocakechat.plugins.deployers.telegram.access import Access
from autocakechat.plugins.deployers.telegram.commands import Call, Commands
from autocakechat.plugins.deployers.telegram.connection import QuietBot
from autocakechat.plugins.deployers.telegram.sending import split
from autocakechat.plugins.deployers.telegram.store import Store

REFUSAL = "Sorry, I talk only with people I was made for."
NO_TEXT = "Sorry, I understand only text."
_DAY = 24 * 3600.0


class Intake:
    """Takes updates in.

    Args:
        bot: Who the bot is.
        store: Where everything goes.
        access: Who may talk to the bot.
        commands: What the bot does on command.
        log: Where to tell.
        wake: Called after something was stored.
    """

    def __init__(
        self,
        bot: QuietBot,
        store: Store,
        access: Access,
        commands: Commands,
        log: logging.Logger,
        wake: Callable[[], None],
    ) -> None:
        self._bot = bot
        self._store = store
        self._access = access
        self._commands = commands
        self._log = log
        self._wake = wake

    def take(self, update: Update) -> None:
        """Stores what an update means, unless it was seen before.

        Raises:
            sqlite3.Error: It cannot be stored; it must not be confirmed.
        """
        try:
            with self._store.transaction():
                if self._store.see(update.update_id) and update.message:
                    self._sort(update.message)
        except sqlite3.Error:
            raise
        except Exception as error:  # one strange message must not stop the bot, nor come again for ever
            self._log.error("update %s cannot be understood: %s", update.update_id, type(error).__name__)
            with self._store.transaction():
                self._store.see(update.update_id)
        self._wake()

    def _sort(self, message: Message) -> None:
        bot, user = self._bot, message.from_user
        if user is None or (user.is_bot and not message.sender_chat):
            return
        command = incoming.command_of(message, bot)
        addressed = incoming.is_private(message) or command is not None or incoming.is_addressed(message, bot)
        if not self._access.admits(user, message.chat):
            if addressed and self._store.refuse(user.id, _DAY):
                self._tell(message, REFUSAL)
            return
        if command is not None:
            name, argument = command
            self._tell(message, self._commands.run(name, Call(message.chat.id, user.id, argument)))
        else:
            self._hear(message, user.id, addressed)

    def _hear(self, message: Message, user: int, addressed: bool) -> None:
        text = incoming.without_mention(incoming.text_of(message), self._bot)
        if text:
            self._store.hear(message.chat.id, user, text, self._to_reply(message), waits=addressed)
        elif addressed and incoming.is_media(message):
            self._tell(message, NO_TEXT)

    def _tell(self, message: Message, text: str) -> None:
        for part in split(text):
            self._store.put_out(message.chat.id, part, self._to_reply(message))

    @staticmethod
    def _to_reply(message: Message) -> int | None:
        """In a group an answer shows what it answers."""
        return None if incoming.is_private(message) else message.message_id
