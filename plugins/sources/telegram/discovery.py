"""Finds exports among files, and says what to do about files that are none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from autocakechat import Input, UserError, escape_control_characters
from autocakechat.plugins.sources.telegram import fast_parser
from autocakechat.plugins.sources.telegram.byte_buffer import HEAD

_MEDIA_FOLDERS = {
    "photos", "files", "stickers", "video_files", "voice_messages", "round_video_messages", "contacts", "chats",
    "profile_pictures", "stories", "css", "images", "js", "lists",
}  # fmt: skip
_EXPORT_AGAIN = (
    "in Telegram Desktop choose Export chat history (or Settings > Advanced > Export Telegram data) and the format "
    "'Machine-readable JSON'"
)
_OURS = re.compile(
    rb"""
    "(?:messages|left_chats|personal_information)" \s* : | "chats" \s* : \s* [{\[]
    | \A \{\n\ "(?:name|type|about)"  # cut off behind it
    """,
    re.VERBOSE,
)
_FOREIGN = (
    (re.compile(rb'"sender_name"\s*:.*"timestamp_ms"|"participants"\s*:\s*\[', re.DOTALL), "an export of Facebook"),
    (re.compile(rb'"guild"\s*:\s*\{'), "an export of Discord"),
    (re.compile(rb'"_"\s*:\s*"(?:types\.)?\w*Message'), "a dump of Telethon or Pyrogram"),
    (re.compile(rb'"update_id"\s*:|"message_id"\s*:.*"chat"\s*:', re.DOTALL), "updates of the Bot API"),
    (re.compile(rb'"print_name"\s*:'), "a dump of telegram-cli"),
)


def find_inputs(path: Path) -> list[Input]:
    """Finds what there is to read under a path.

    Args:
        path: A file, or a folder with exports at any depth.

    Returns:
        One input a file, in the order of their names; files that may hold the same chat are one input.

    Raises:
        UserError: There is no export.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder", _EXPORT_AGAIN)
    if path.is_file():
        if advice := why_no_export(path):
            raise UserError(f"{escape_control_characters(str(path))}: {advice}")
        return [Input(path.name, (path,))]
    candidates = sorted(_candidates(path))
    exports = [file for file in candidates if not why_no_export(file)]
    if not exports:
        if not candidates:
            raise UserError(f"{escape_control_characters(str(path))}: there is no export in this folder", _EXPORT_AGAIN)
        raise UserError(f"{escape_control_characters(str(candidates[0]))}: {why_no_export(candidates[0])}")
    others = [file for file in candidates if file not in exports and file.name in ("result.json", "messages.html")]
    groups = sorted([*_groups(exports), *((file,) for file in others)])
    return [Input(_name(path, group), group) for group in groups]


def _name(folder: Path, files: tuple[Path, ...]) -> str:
    first = files[0].relative_to(folder).as_posix()
    return first if len(files) == 1 else f"{first} and {len(files) - 1} more"


def _groups(exports: list[Path]) -> list[tuple[Path, ...]]:
    """Puts files together that may hold the same chat."""
    groups: dict[str, list[Path]] = {}
    for file in exports:
        with file.open("rb") as opened:
            head = opened.read(HEAD)
        header = fast_parser.single_chat(head)
        if header is None and len(exports) > 1:
            return [tuple(exports)]
        # A shifted id differs from a plain one, so the same chat of an old and a new export is found by the rest.
        chat = f"{header.id % (1 << 32)}" if header and header.id is not None else str(file)
        groups.setdefault(chat, []).append(file)
    return [tuple(group) for group in groups.values()]


def recognises(path: Path) -> bool:
    """Tells whether a file is an export or a folder holds one."""
    try:
        if path.is_file():
            return not why_no_export(path)
        return any(not why_no_export(file) for file in _candidates(path))
    except OSError:
        return False


def why_no_export(path: Path) -> str:
    """Looks at the beginning of a file.

    Returns:
        What it is instead of an export and what to do; empty if it looks like an export.

    Raises:
        UserError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise UserError(f"{escape_control_characters(str(path))}: {error.strerror}") from None
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        return f"the file is empty; {_EXPORT_AGAIN}"
    if text.startswith(b"<"):
        return f"an HTML export, which does not hold the ids of people; {_EXPORT_AGAIN}"
    if not text.startswith((b"{", b"[")):
        return f"not JSON; {_EXPORT_AGAIN}"
    if fast_parser.is_familiar(head):
        return ""
    for marks, what in _FOREIGN:
        if marks.search(head):
            return f"{what}, not of Telegram Desktop; {_EXPORT_AGAIN}"
    if text.startswith(b"{") and _OURS.search(head):
        return ""
    return f"JSON, but no export of Telegram Desktop; {_EXPORT_AGAIN}"


def _candidates(folder: Path) -> Iterator[Path]:
    """Finds JSON files and the first pages of HTML exports; the media of an export are not looked at."""
    for place, folders, files in os.walk(folder):
        if "result.json" in files or "messages.html" in files:
            folders[:] = [name for name in folders if name not in _MEDIA_FOLDERS]
        yield from (Path(place, name) for name in files if name.endswith(".json"))
        if "messages.html" in files and "result.json" not in files:
            yield Path(place, "messages.html")
