"""Handles messages that are commands."""

from __future__ import annotations

from telegram import Message

from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.receiving.commands import CommandCall, Commands
from autocakechat.plugins.deployers.telegram.receiving.message_parsing import Command, IncomingMessage, is_private
from autocakechat.plugins.deployers.telegram.receiving.notices import enqueue_notice
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore


class CommandHandler:
    """Runs commands and replies to them.

    Args:
        bot: The Bot API client.
        commands: The commands.
        store: Takes the replies.
        event_log: Receives the commands.
    """

    def __init__(self, bot: BotClient, commands: Commands, store: ConversationStore, event_log: EventLog) -> None:
        self._bot = bot
        self._commands = commands
        self._store = store
        self._event_log = event_log

    def is_for_this_bot(self, command: Command, message: Message, addressed: bool) -> bool:
        """Returns whether a command is for this bot. A group may have several bots that share command names.

        Args:
            command: The command.
            message: Its message.
            addressed: Whether the message is addressed to the bot, apart from the command itself.
        """
        if is_private(message):
            return True
        if command.bot_name:
            return command.bot_name.lower() == self._bot.username.lower()
        return addressed or command.name in self._commands

    def handle(self, command: Command, incoming: IncomingMessage) -> None:
        """Runs a command and puts its reply into the outbox."""
        chat, user = incoming.chat_id, incoming.sender.id
        self._event_log.log("command received", chat=chat, user=user, name=command.name)
        reply = self._commands.run(command.name, CommandCall(chat, user, command.argument))
        enqueue_notice(self._store, incoming, reply)
