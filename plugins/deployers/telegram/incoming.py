"""What a message of Telegram is to the bot: its text, whether it is a command, whether it is meant for the bot."""

from __future__ import annotations

import re

from telegram import Bot, Message
from telegram.constants import ChatType

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


def command_of(message: Message, bot: Bot) -> tuple[str, str] | None:
    """The command of a message and what follows it, or None.

    A command for another bot of the group, `/start@other`, is none.
    """
    match = _COMMAND.fullmatch((message.text or "").strip())
    if match is None:
        return None
    name, addressee, argument = match.groups()
    if addressee and addressee.lower() != bot.username.lower():
        return None
    return name.lower(), (argument or "").strip()


def is_addressed(message: Message, bot: Bot) -> bool:
    """Whether a message of a group is meant for the bot: it replies to the bot or mentions it."""
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
