"""Splits texts into messages that Telegram accepts."""

from __future__ import annotations

from autocakechat.plugins.deployers.telegram.bot_api.text import clean_text

MAX_MESSAGE_LENGTH = 4096
"""Telegram's limit for one message, in UTF-16 code units."""


def split_to_fit(text: str, limit: int = MAX_MESSAGE_LENGTH) -> list[str]:
    """Splits a text into messages that fit.

    Args:
        text: The text.
        limit: Maximum length of a message in UTF-16 code units.

    Returns:
        The messages, without blank ones. A message ends at a newline or space if there is one in its second half.
    """
    rest = clean_text(text)
    parts = []
    while rest:
        end = _fitting_length(rest, limit)
        if end < len(rest):
            last_blank = max(rest.rfind(blank, end // 2, end + 1) for blank in "\n ")
            end = last_blank if last_blank >= 0 else end
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return parts


def split_by_line(text: str, max_messages: int = 10) -> list[str]:
    """Makes each line of a text a separate message, as people write in chats.

    Args:
        text: The text.
        max_messages: Maximum number of messages; a text with more lines is only split to fit.

    Returns:
        The messages, without blank ones.
    """
    parts = [part for line in text.split("\n") for part in split_to_fit(line)]
    return parts if len(parts) <= max_messages else split_to_fit(text)


def _fitting_length(text: str, limit: int) -> int:
    """Returns how many characters of a text fit into `limit` UTF-16 code units."""
    units = 0
    for index, character in enumerate(text):
        units += 2 if ord(character) > 0xFFFF else 1
        if units > limit:
            return index
    return len(text)
