"""Routes a message: parses it, admits or refuses it, and passes it to the handler for commands or for texts."""

from __future__ import annotations

from telegram import Message

from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient
from autocakechat.plugins.deployers.telegram.receiving.admission import Admission
from autocakechat.plugins.deployers.telegram.receiving.command_handler import CommandHandler
from autocakechat.plugins.deployers.telegram.receiving.message_parsing import (
    IncomingMessage,
    is_addressed,
    parse_command,
)
from autocakechat.plugins.deployers.telegram.receiving.text_handler import TextHandler
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore


class MessageHandler:
    """Handles messages of all kinds.

    Args:
        bot: The Bot API client.
        store: Follows groups that become supergroups.
        admission: Admits or refuses messages.
        command_handler: Handles commands.
        text_handler: Handles all other messages.
    """

    def __init__(
        self,
        bot: BotClient,
        store: ConversationStore,
        admission: Admission,
        command_handler: CommandHandler,
        text_handler: TextHandler,
    ) -> None:
        self._bot = bot
        self._store = store
        self._admission = admission
        self._command_handler = command_handler
        self._text_handler = text_handler

    def handle(self, message: Message) -> None:
        """Handles a message. Everything that it causes is written to the store."""
        if message.migrate_from_chat_id:
            self._store.migrate_chat(message.migrate_from_chat_id, message.chat.id)
        incoming = self._parse(message)
        if incoming is None or not self._admission.admits(incoming):
            return
        if incoming.command is not None:
            self._command_handler.handle(incoming.command, incoming)
        else:
            self._text_handler.handle(incoming)

    def _parse(self, message: Message) -> IncomingMessage | None:
        """Parses a message; returns None if it has no sender, or is from or for another bot."""
        sender = message.from_user
        # An anonymous group administrator appears as a bot with a sender chat.
        if sender is None or (sender.is_bot and not message.sender_chat):
            return None
        command, addressed = parse_command(message), is_addressed(message, self._bot)
        if command is None:
            return IncomingMessage(message, sender, None, addressed)
        if not self._command_handler.is_for_this_bot(command, message, addressed):
            return None
        return IncomingMessage(message, sender, command, addressed=True)
