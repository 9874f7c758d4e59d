"""What a text becomes on its way out: messages that Telegram takes."""

from __future__ import annotations

LIMIT = 4096
"""The most UTF-16 units of one message."""


def split(text: str, limit: int = LIMIT) -> list[str]:
    """Splits a text into messages that Telegram takes.

    Args:
        text: Any text.
        limit: The most UTF-16 units of a message.

    Returns:
        The messages, none blank, cut at the end of a line or word where there is one in the second half.
    """
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "").strip()
    parts = []
    while text:
        end = _fitting(text, limit)
        if end < len(text):
            end = max(text.rfind(blank, end // 2, end + 1) for blank in "\n ") if _has_blank(text, end) else end
        parts.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return parts


def _has_blank(text: str, end: int) -> bool:
    return any(blank in text[end // 2 : end + 1] for blank in "\n ")


def _fitting(text: str, limit: int) -> int:
    """How many characters of a text fit into so many UTF-16 units."""
    units = 0
    for number, character in enumerate(text):
        units += 2 if ord(character) > 0xFFFF else 1
        if units > limit:
            return number
    return len(text)


def separate(text: str, most: int = 10) -> list[str]:
    """Makes each line of a text a message of its own, as people write in chats.

    Args:
        text: Any text.
        most: Most messages; a text of more lines stays in one piece.
    """
    parts = [part for line in text.split("\n") for part in split(line)]
    return parts if len(parts) <= most else split(text)
