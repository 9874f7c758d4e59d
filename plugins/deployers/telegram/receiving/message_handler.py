"""Routes a message: parses it, admits or refuses it, and passes it to the handler for commands or for texts."""

from __future__ import annotations

from telegram import Message

from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient
from autocakechat.plugins.deployers.telegram.receiving.admission import Admission
from autocakechat.plugins.deployers.telegram.receiving.command_handler import CommandHandler
from autocakechat.plugins.deployers.telegram.receiving.commands import is_forget_request
from autocakechat.plugins.deployers.telegram.receiving.message_parsing import (
    IncomingMessage,
    is_addressed,
    parse_command,
)
from autocakechat.plugins.deployers.telegram.receiving.notices import enqueue_notice
from autocakechat.plugins.deployers.telegram.receiving.text_handler import TextHandler
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore


class MessageHandler:
    """Handles messages of all kinds.

    Args:
        bot: The Bot API client.
        store: Takes the replies to commands, and follows groups that become supergroups.
        admission: Admits or refuses messages.
        command_handler: Runs commands.
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
        if incoming is None:
            return
        command = incoming.command
        if command is not None and is_forget_request(command.name, command.argument):
            # Users may delete their data also without access and beyond every limit.
            # A reply that waits in the outbox is deleted with the rest and replaced.
            may_reply = self._admission.may_reply_to_request(incoming) or self._store.next_outgoing(
                incoming.conversation
            )
            reply = self._command_handler.run(command, incoming)
            if may_reply:
                enqueue_notice(self._store, incoming, reply)
        elif self._admission.admits(incoming):
            if command is not None:
                enqueue_notice(self._store, incoming, self._command_handler.run(command, incoming))
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
