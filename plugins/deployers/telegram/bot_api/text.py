"""Cleans texts for Telegram and SQLite."""

from __future__ import annotations


def clean_text(text: str) -> str:
    """Returns a text without surrounding blanks and NUL; lone surrogates become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "").strip()
