"""Runs the commands that messages consist of."""

from __future__ import annotations

from telegram import Message

from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.receiving.commands import CommandCall, Commands
from autocakechat.plugins.deployers.telegram.receiving.message_parsing import Command, IncomingMessage, is_private


class CommandHandler:
    """Runs the commands that are for this bot.

    Args:
        bot: The Bot API client.
        commands: The commands.
        event_log: Receives the commands.
    """

    def __init__(self, bot: BotClient, commands: Commands, event_log: EventLog) -> None:
        self._bot = bot
        self._commands = commands
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

    def run(self, command: Command, incoming: IncomingMessage) -> str:
        """Runs a command and returns the reply to it."""
        speaker = incoming.speaker_id
        self._event_log.log("command received", chat=incoming.conversation.chat, user=speaker, name=command.name)
        return self._commands.run(command.name, CommandCall(incoming.conversation, speaker, command.argument))
