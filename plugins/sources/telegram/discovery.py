"""Finds exports in a folder, and explains why a file is not an export."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from autocakechat import Input, UserError, escape_control_characters
from autocakechat.plugins.sources.telegram import fast_parser
from autocakechat.plugins.sources.telegram.byte_buffer import HEAD_SIZE

_MEDIA_FOLDERS = {
    "photos", "files", "stickers", "video_files", "voice_messages", "round_video_messages", "contacts", "chats",
    "profile_pictures", "stories", "css", "images", "js", "lists",
}  # fmt: skip
EXPORT_HINT = (
    "in Telegram Desktop choose Export chat history (or Settings > Advanced > Export Telegram data) and the format "
    "'Machine-readable JSON'"
)
_TELEGRAM_KEYS = re.compile(
    rb"""
    "(?:messages|left_chats|personal_information)" \s* : | "chats" \s* : \s* [{\[]
    | \A \{\n\ "(?:name|type|about)"  # truncated within the header
    """,
    re.VERBOSE,
)
# The keys of other formats; the patterns of a line are all there, in any order.
_OTHER_FORMATS = (
    ((rb'"sender_name"\s*:', rb'"timestamp_ms"'), "a Facebook export"),
    ((rb'"participants"\s*:\s*\[',), "a Facebook export"),
    ((rb'"guild"\s*:\s*\{',), "a Discord export"),
    ((rb'"_"\s*:\s*"(?:types\.)?\w*Message',), "a Telethon or Pyrogram dump"),
    ((rb'"update_id"\s*:',), "a list of Bot API updates"),
    ((rb'"message_id"\s*:', rb'"chat"\s*:'), "a list of Bot API updates"),
    ((rb'"print_name"\s*:',), "a telegram-cli dump"),
)


def find_inputs(path: Path) -> list[Input]:
    """Finds the exports under a path.

    Args:
        path: A file, or a folder that contains exports at any depth.

    Returns:
        One input per file, sorted by name. Files that may contain the same chat form one input.

    Raises:
        UserError: There is no export.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder", EXPORT_HINT)
    if path.is_file():
        if problem := find_problem(path):
            raise UserError(f"{escape_control_characters(str(path))}: {problem}", EXPORT_HINT)
        return [Input(path.name, (path,))]
    candidates = sorted(_find_candidates(path))
    if not candidates:
        raise UserError(f"{escape_control_characters(str(path))}: no export in this folder", EXPORT_HINT)
    exports = [file for file in candidates if not find_problem(file)]
    if not exports:
        first = candidates[0]
        raise UserError(f"{escape_control_characters(str(first))}: {find_problem(first)}", EXPORT_HINT)
    # Unusable files with the name of an export are inputs too, so that reading warns about them.
    unusable = [file for file in candidates if file not in exports and file.name in ("result.json", "messages.html")]
    groups = sorted([*_group_by_chat(exports), *((file,) for file in unusable)])
    return [Input(_input_name(path, group), group) for group in groups]


def join_inputs(path: Path, inputs: Sequence[Input]) -> Input:
    """Makes one input of all exports under a path, so that they are read together."""
    files = tuple(file for entry in inputs for file in entry.paths)
    return inputs[0] if len(inputs) == 1 else Input(_input_name(path, files), files)


def recognises(path: Path) -> bool:
    """Returns whether a file is an export, or a folder contains one."""
    try:
        if path.is_file():
            return not find_problem(path)
        return any(not find_problem(file) for file in _find_candidates(path))
    except OSError:
        return False


def find_problem(path: Path) -> str:
    """Checks the beginning of a file.

    Returns:
        Why the file is not an export; empty if it looks like one.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_SIZE)
    except OSError as error:
        raise UserError(
            f"{escape_control_characters(str(path))}: {error.strerror}", "check the path and its permissions"
        ) from None
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        return "the file is empty"
    if text.startswith(b"<"):
        return "an HTML export, which contains no user ids"
    if not text.startswith((b"{", b"[")):
        return "not JSON"
    if fast_parser.has_known_layout(head):
        return ""
    for patterns, other_format in _OTHER_FORMATS:
        if all(re.search(pattern, head) for pattern in patterns):
            return f"{other_format}, not a Telegram Desktop export"
    if text.startswith(b"{") and _TELEGRAM_KEYS.search(head):
        return ""
    return "JSON, but not a Telegram Desktop export"


def _input_name(folder: Path, files: tuple[Path, ...]) -> str:
    first = files[0].relative_to(folder).as_posix()
    return first if len(files) == 1 else f"{first} and {len(files) - 1} more"


def _group_by_chat(exports: list[Path]) -> list[tuple[Path, ...]]:
    """Groups files that may contain the same chat.

    The chat of a file is known without reading it only if the file contains a single chat; otherwise all files form one
    group.
    """
    groups: dict[str, list[Path]] = {}
    for path in exports:
        with path.open("rb") as file:
            head = file.read(HEAD_SIZE)
        header = fast_parser.single_chat_header(head)
        if header is None and len(exports) > 1:
            return [tuple(exports)]
        # Old versions add a multiple of 2^32 to ids; the remainder is the same in exports of all versions.
        chat = f"{header.id % (1 << 32)}" if header and header.id is not None else str(path)
        groups.setdefault(chat, []).append(path)
    return [tuple(group) for group in groups.values()]


def _find_candidates(folder: Path) -> Iterator[Path]:
    """Finds JSON files and the first pages of HTML exports; skips the media folders of exports."""
    for parent, folders, files in os.walk(folder):
        if "result.json" in files or "messages.html" in files:
            folders[:] = [name for name in folders if name not in _MEDIA_FOLDERS]
        yield from (Path(parent, name) for name in files if name.endswith(".json"))
        if "messages.html" in files and "result.json" not in files:
            yield Path(parent, "messages.html")
