"""Where a message is from, as exports of Telegram Desktop say it: a model may know the chat or the person."""

from __future__ import annotations

from autocakechat import GROUP, PERSONAL

_CHANNELS = -(10**12)
"""The ids of supergroups and channels in the Bot API are this number less their id; those of groups are above it."""


def chat_kind(chat: int) -> str:
    """Returns the kind of a chat.

    Args:
        chat: Its id in the Bot API; negative for a group.
    """
    return GROUP if chat < 0 else PERSONAL


def export_id(speaker: int) -> str:
    """Returns the id that an export has for a user, or for a group or channel that a message is sent as.

    Args:
        speaker: Its id in the Bot API.
    """
    if speaker > 0:
        return f"user{speaker}"
    return f"channel{_CHANNELS - speaker if speaker < _CHANNELS else -speaker}"
