"""Decides what an update means and writes that into the store: a line that waits for an answer, or a message to send.

Everything that updates cause is one transaction together with the note that they were seen, so that an update that
comes twice counts once.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable

from telegram import Message, Update, User

from autocakechat.plugins.deployers.telegram.bot_api.client import QuietBot
from autocakechat.plugins.deployers.telegram.event_log import Journal
from autocakechat.plugins.deployers.telegram.receiving import message_parsing
from autocakechat.plugins.deployers.telegram.receiving.access_control import Access
from autocakechat.plugins.deployers.telegram.receiving.commands import Call, Commands
from autocakechat.plugins.deployers.telegram.receiving.rate_limits import Limits
from autocakechat.plugins.deployers.telegram.replying.message_splitting import split
from autocakechat.plugins.deployers.telegram.storage.store import Store

REFUSAL = "Sorry, I talk only with people I was made for."
NO_TEXT = "Sorry, I understand only text."
_DAY = 24 * 3600.0


class Intake:
    """Takes updates in.

    Args:
        bot: Who the bot is.
        keep: How many lines of a chat the model uses.
        store: Where everything goes.
        access: Who may talk to the bot.
        limits: How much they may ask for.
        commands: What the bot does on command.
        journal: Where to tell.
        wake: Called after something was stored.
    """

    def __init__(
        self,
        bot: QuietBot,
        keep: int,
        store: Store,
        access: Access,
        limits: Limits,
        commands: Commands,
        journal: Journal,
        wake: Callable[[], None],
    ) -> None:
        self._bot = bot
        self._keep = keep
        self._store = store
        self._access = access
        self._limits = limits
        self._commands = commands
        self._journal = journal
        self._wake = wake
        self._album: str | None = None

    def take(self, updates: Iterable[Update]) -> None:
        """Stores what updates mean, unless they were seen before.

        Raises:
            sqlite3.Error: They cannot be stored; they must not be confirmed.
        """
        with self._store.transaction():
            for update in updates:
                if self._store.see(update.update_id) and update.message:
                    self._understand(update.update_id, update.message)
        self._wake()

    def _understand(self, update: int, message: Message) -> None:
        try:
            with self._store.attempt():
                self._sort(message)
        except sqlite3.Error:
            raise
        except Exception as error:  # one strange message must not stop the bot, nor come again for ever
            self._journal.tell("not understood", level=logging.ERROR, update=update, reason=type(error).__name__)
            self._journal.count("failed")

    def _sort(self, message: Message) -> None:
        bot, user = self._bot, message.from_user
        if message.migrate_from_chat_id:
            self._store.move(message.migrate_from_chat_id, message.chat.id)
        if user is None or (user.is_bot and not message.sender_chat):
            return
        command, addressed = message_parsing.command_of(message), message_parsing.is_addressed(message, bot)
        if command is not None:
            if self._is_for_another_bot(command, message, addressed):
                return
            addressed = True
        if addressed:
            self._journal.count("received")
        if not self._access.admits(user, message.chat):
            if addressed:
                self._refuse(message, user)
        elif addressed and (excuse := self._limits.exceeded_by(user.id)):
            self._journal.count("refused")
            if self._limits.may_tell(user.id):
                self._tell(message, excuse)
        elif command is not None:
            self._journal.tell("command", chat=message.chat.id, user=user.id, name=command.name)
            self._tell(message, self._commands.run(command.name, Call(message.chat.id, user.id, command.argument)))
        else:
            self._hear(message, user.id, addressed)

    def _is_for_another_bot(self, command: message_parsing.Typed, message: Message, addressed: bool) -> bool:
        """In a group of several bots, a command that names none is for those that know it."""
        if message_parsing.is_private(message):
            return False
        if command.addressee:
            return command.addressee.lower() != self._bot.username.lower()
        return not addressed and command.name not in self._commands

    def _refuse(self, message: Message, user: User) -> None:
        self._journal.count("refused")
        if self._store.refuse(user.id, _DAY):
            self._journal.tell("refused", chat=message.chat.id, user=user.id, username=user.username)
            self._tell(message, REFUSAL)

    def _hear(self, message: Message, user: int, addressed: bool) -> None:
        text = message_parsing.without_mention(message_parsing.text_of(message), self._bot)
        if text:
            self._store.hear(message.chat.id, user, text, self._to_reply(message), waits=addressed)
            self._store.trim(message.chat.id, self._keep)
            self._journal.tell("heard", text=text, chat=message.chat.id, user=user, to_bot=addressed)
        elif addressed and message_parsing.is_media(message) and not self._same_album(message):
            self._tell(message, NO_TEXT)

    def _same_album(self, message: Message) -> bool:
        """Whether the message belongs to the pictures that the last one belonged to."""
        before, self._album = self._album, message.media_group_id
        return self._album is not None and self._album == before

    def _tell(self, message: Message, text: str) -> None:
        for part in split(text):
            self._store.put_out(message.chat.id, part, self._to_reply(message))

    @staticmethod
    def _to_reply(message: Message) -> int | None:
        """In a group an answer shows what it answers."""
        return None if message_parsing.is_private(message) else message.message_id
