"""Helpers for text: escapes, surrogates, plurals, lists, suggestions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

UNSPACED_SCRIPTS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
"""The scripts without spaces between words, as ranges of a character class.

Thai, Lao, Burmese, Khmer, Japanese and Chinese.
"""

_CONTROL_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Emoji contain these format characters: the zero-width joiner and the tag characters.
_ALLOWED = {"\u200d"} | {chr(code) for code in range(0xE0020, 0xE0080)}


def escape_control_characters(text: str) -> str:
    r"""Escapes control and bidirectional characters, so that text from a chat cannot control a terminal.

    Args:
        text: Untrusted text.

    Returns:
        The text on one line; each such character is written as an escape such as `\x1b` or `\u202e`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(character) for character in text)


def escape_lines(text: str) -> str:
    """Escapes control characters like `escape_control_characters`, but keeps line breaks."""
    return "\n".join(map(escape_control_characters, text.split("\n")))


def repair_surrogates(text: str) -> str:
    """Joins surrogate pairs to the characters that they encode, and replaces lone surrogates by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def pluralize(number: int, noun: str, plural: str = "") -> str:
    """Returns a number with its noun: `1 pair`, `1,204 pairs`.

    Args:
        number: The number.
        noun: The noun, in the singular.
        plural: Its plural, if it is not formed with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def list_items(items: Iterable[str], most: int | None = 3) -> str:
    """Joins items for a message, and counts those beyond the first few: `a, b and c`, or `a, b, c and 2 more`.

    Args:
        items: The items.
        most: How many items to list; None for all.
    """
    listed = list(items)
    if most is not None and len(listed) > most:
        listed[most:] = [f"{len(listed) - most:,} more"]
    return " and ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else "".join(listed)


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns `; did you mean ...?` with the known name most similar to `name`, or an empty string."""
    import difflib

    matches = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{matches[0]}'?" if matches else ""


def _escape(character: str) -> str:
    if unicodedata.category(character) in _CONTROL_CATEGORIES and character not in _ALLOWED:
        return character.encode("unicode_escape", "backslashreplace").decode("ascii")
    return character
