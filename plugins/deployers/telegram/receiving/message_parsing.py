"""What a message of Telegram is to the bot: its text, whether it is a command, whether it is meant for the bot."""

from __future__ import annotations

import re

import attrs
from telegram import Bot, Message
from telegram.constants import ChatType


@attrs.frozen
class Typed:
    """A command as somebody typed it.

    Attributes:
        name: Its name, in lower case.
        addressee: The name of the bot it is for, where it says one.
        argument: What follows.
    """

    name: str
    addressee: str | None
    argument: str


_COMMAND = re.compile(r"/(\w{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL | re.ASCII)


def text_of(message: Message) -> str:
    """The text of a message or the caption of a picture, fit to be stored: without halves of characters."""
    text = message.text or message.caption or ""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "").strip()


def is_private(message: Message) -> bool:
    """Whether the message stands in a chat of one person with the bot."""
    return message.chat.type == ChatType.PRIVATE


def is_media(message: Message) -> bool:
    """Whether the message is a picture, a sticker, a voice message and the like; not an event such as a new member."""
    return bool(message.effective_attachment or message.story)


def command_of(message: Message) -> Typed | None:
    """The command that a message consists of, if it does."""
    match = _COMMAND.fullmatch((message.text or "").strip())
    if match is None:
        return None
    name, addressee, argument = match.groups()
    return Typed(name.lower(), addressee, (argument or "").strip())


def is_addressed(message: Message, bot: Bot) -> bool:
    """Whether a message is meant for the bot: it is private, replies to the bot or mentions it."""
    if is_private(message):
        return True
    replied = message.reply_to_message
    if replied and replied.from_user and replied.from_user.id == bot.id:
        return True
    entities = (*message.entities, *message.caption_entities)
    if any(entity.user and entity.user.id == bot.id for entity in entities):
        return True
    return bool(_name_of(bot).search(message.text or message.caption or ""))


def without_mention(text: str, bot: Bot) -> str:
    """A text without the bot's name, which the model never learnt."""
    return _name_of(bot).sub("", text).strip()


def _name_of(bot: Bot) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)@{re.escape(bot.username)}\b[,:]?", re.IGNORECASE)
