"""Text from chats, made safe to show."""

from __future__ import annotations

import unicodedata

_CONTROL_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Parts of emoji, which are format characters too: zero-width joiner and tag characters.
_HARMLESS = {"\u200d"} | {chr(code) for code in range(0xE0020, 0xE0080)}


def visible(text: str) -> str:
    r"""Makes control and bidirectional characters visible, so that text from a chat cannot act on a terminal.

    Args:
        text: Anything that came from outside.

    Returns:
        The text on one line, such characters written as `\x1b` or `\u202e`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    if unicodedata.category(character) in _CONTROL_CATEGORIES and character not in _HARMLESS:
        return character.encode("unicode_escape", "backslashreplace").decode("ascii")
    return character
