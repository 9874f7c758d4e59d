"""Where a message is from, as exports of Telegram Desktop say it: a model may know the chat or the person."""

from __future__ import annotations

from autocakechat import GROUP, PERSONAL

_CHANNEL_PREFIX = "-100"


def chat_kind(chat: int) -> str:
    """Returns the kind of a chat.

    Args:
        chat: Its id in the Bot API; negative for a group.
    """
    return GROUP if chat < 0 else PERSONAL


def export_id(speaker: int) -> str:
    """Returns the id that an export has for a user, or for a group or channel that a message is sent as.

    Args:
        speaker: Its id in the Bot API. Those of supergroups and channels begin with -100, which exports leave out.
    """
    return f"user{speaker}" if speaker > 0 else f"channel{str(speaker).removeprefix(_CHANNEL_PREFIX).removeprefix('-')}"
