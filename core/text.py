"""Text from chats, made safe to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_CONTROL_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Parts of emoji, which are format characters too: zero-width joiner and tag characters.
_HARMLESS = {"\u200d"} | {chr(code) for code in range(0xE0020, 0xE0080)}


def escape_control_characters(text: str) -> str:
    r"""Makes control and bidirectional characters visible, so that text from a chat cannot act on a terminal.

    Args:
        text: Anything that came from outside.

    Returns:
        The text on one line, such characters written as `\x1b` or `\u202e`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(character) for character in text)


def repair_surrogates(text: str) -> str:
    """Joins surrogates to the characters they stand for, and replaces those that have lost their other half."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def pluralize(number: int, thing: str) -> str:
    """Says how many of a thing there are: `1 pair`, `1,204 pairs`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def suggest(name: str, known: Iterable[str]) -> str:
    """Says which known name was probably meant, if any."""
    import difflib

    matches = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{matches[0]}'?" if matches else ""


def _escape(character: str) -> str:
    if unicodedata.category(character) in _CONTROL_CATEGORIES and character not in _HARMLESS:
        return character.encode("unicode_escape", "backslashreplace").decode("ascii")
    return character
