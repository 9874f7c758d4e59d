"""Parses Bot API messages: text, command, and whether the bot is addressed."""

from __future__ import annotations

import re

import attrs
from telegram import Bot, Message, User
from telegram.constants import ChatType

from autocakechat.plugins.deployers.telegram.receiving.message_text import parse_text
from autocakechat.plugins.deployers.telegram.storage.records import Conversation

_GENERAL_TOPIC = 1
_COMMAND = re.compile(r"/(\w{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL | re.ASCII)


@attrs.frozen
class Command:
    """A command, such as `/mood@PersonBot joy`.

    Attributes:
        name: Its name in lower case, without the slash.
        bot_name: Username of the bot that it is for, if it names one.
        argument: The text after the name.
    """

    name: str
    bot_name: str | None
    argument: str


@attrs.frozen
class IncomingMessage:
    """A parsed message.

    Attributes:
        message: The Bot API's message.
        sender: The user who wrote it.
        command: The command that it consists of, if any.
        addressed: Whether it is addressed to the bot.
    """

    message: Message
    sender: User
    command: Command | None
    addressed: bool

    @property
    def speaker_id(self) -> int:
        """Id of the user, or of the group or channel in whose name the message was written.

        Telegram gives all anonymous administrators of all groups the same sender, and so all channels.
        """
        sender_chat = self.message.sender_chat
        return sender_chat.id if sender_chat else self.sender.id

    @property
    def conversation(self) -> Conversation:
        """Its chat, and its topic in a chat with topics.

        In other groups and in the topic *General*, `message_thread_id` is the id of the message that a thread of
        replies begins with.
        """
        message = self.message
        is_in_topic = message.is_topic_message or is_private(message)
        topic = message.message_thread_id if is_in_topic else None
        return Conversation(message.chat.id, 0 if topic is None or topic == _GENERAL_TOPIC else topic)

    @property
    def id_to_quote(self) -> int | None:
        """Message id that the bot quotes in its reply: in a group, a reply shows which message it replies to."""
        return None if is_private(self.message) else self.message.message_id


def parse_command(message: Message) -> Command | None:
    """Returns the command that a message consists of, or None."""
    match = _COMMAND.fullmatch((message.text or "").strip())
    if match is None:
        return None
    name, bot_name, argument = match.groups()
    return Command(name.lower(), bot_name, (argument or "").strip())


def is_private(message: Message) -> bool:
    """Returns whether a message is from a private chat of one user with the bot."""
    return message.chat.type == ChatType.PRIVATE


def is_addressed(message: Message, bot: Bot) -> bool:
    """Returns whether a message is addressed to the bot: it is private, replies to the bot or mentions it."""
    if is_private(message):
        return True
    replied = message.reply_to_message
    if replied and replied.from_user and replied.from_user.id == bot.id and not _is_beginning_of_topic(message):
        return True
    entities = (*message.entities, *message.caption_entities)
    if any(entity.user and entity.user.id == bot.id for entity in entities):
        return True
    return bool(_mention_of(bot).search(parse_text(message)))


def _is_beginning_of_topic(message: Message) -> bool:
    """Returns whether the replied message created the topic: a message of a topic that replies to none has it there."""
    replied = message.reply_to_message
    is_root = message.is_topic_message and replied and replied.message_id == message.message_thread_id
    return bool(is_root or (replied and replied.forum_topic_created))


def remove_mention(text: str, bot: Bot) -> str:
    """Returns a text without the bot's username, which does not occur in the training set."""
    return _mention_of(bot).sub("", text).strip()


def _mention_of(bot: Bot) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)@{re.escape(bot.username)}\b[,:]?", re.IGNORECASE)
