"""Finds exports in a folder, and explains why a file is not an export."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import attrs

from autocakechat import ForeignLogError, Input, LogFile, LogFileOpener, UserError, escape_control_characters, is_zip
from autocakechat.plugins.sources.telegram.conversion.migration import ID_SHIFT
from autocakechat.plugins.sources.telegram.parsing import fast_parser
from autocakechat.plugins.sources.telegram.parsing.byte_buffer import HEAD_SIZE
from autocakechat.plugins.sources.telegram.parsing.export_encoding import read_head
from autocakechat.plugins.sources.telegram.parsing.raw_messages import ChatHeader

_OTHER_ARCHIVES = (b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
_MEDIA_FOLDERS = {
    "photos", "files", "stickers", "video_files", "voice_messages", "round_video_messages", "contacts", "chats",
    "profile_pictures", "stories", "css", "images", "js", "lists",
}  # fmt: skip
_ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz")
_RESULT, _HTML = "result.json", "messages.html"
_PAGE = re.compile(r"messages\d*\.html")
_MARK_OF_PAGE = b"<title>Exported Data"
_NOT_JSON = "not JSON"
_NOT_EXPORT = "JSON, but not a Telegram Desktop export"
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
_TOML_TABLE = re.compile(rb"\[{1,2}[A-Za-z_]")
_FIRST_MESSAGE = re.compile(rb'"messages"\s*:\s*\[\s*\{')
_MARK_OF_MESSAGE = re.compile(
    rb'"(?:from|from_id|actor|actor_id|date_unixtime)"\s*:|"date"\s*:\s*"|"type"\s*:\s*"(?:service|unsupported)"'
)
_OTHER_MESSAGES = (  # of other programs that also write a list of messages
    (re.compile(rb'"role"\s*:'), "a conversation with a language model, not a chat"),
    (re.compile(rb'"id"\s*:\s*\d+,\s*"type"\s*:\s*"message"'), "an export of tdl, which contains no senders"),
)
_FIRST_OF_GROUP = re.compile(
    rb'"messages": \[\s*\{\s*"id": (?P<id>-?\d{1,18}),\s*"type": "\w+",\s*"date": "(?P<time>[^"\n]{1,40})"'
)
_MAX_LISTED = 3


@attrs.frozen
class ExportInput(Input):
    """Exports that are read together.

    Attributes:
        passed_over: A sentence about each other file that a user may expect to be read, to be logged with this input.
    """

    passed_over: tuple[str, ...] = ()


def find_inputs(path: Path) -> list[ExportInput]:
    """Finds the exports under a path.

    Args:
        path: A file, a zip archive, or a folder that contains exports at any depth.

    Returns:
        One input per file, sorted by name. Files that may contain the same chat form one input.

    Raises:
        UserError: There is no export.
    """
    name = escape_control_characters(str(path))
    if not path.exists():
        raise UserError(f"{path}: no such file or folder", EXPORT_HINT)
    candidates = files_of(path) if path.is_file() else sorted(_find_candidates(path))
    if not candidates:
        raise ForeignLogError(f"{name}: no export in this {'archive' if path.is_file() else 'folder'}", EXPORT_HINT)
    problems = {export: problem for export in candidates if (problem := _problem(export))}
    if len(problems) == len(candidates):
        first = candidates[0]
        problem = find_problem(first)  # raises what is wrong with an archive
        is_foreign = problem == _NOT_JSON and path.is_file() and path.suffix.lower() not in ("", ".json", ".zip")
        raise (ForeignLogError if is_foreign else UserError)(f"{first}: {problem}", EXPORT_HINT)
    passed_over = _describe_passed_over(path, problems)
    if path.is_file():
        return [ExportInput(path.name, (path,), passed_over)]
    groups = sorted(_group_by_chat([export for export in candidates if export not in problems]))
    return [
        ExportInput(_input_name(path, group), group, () if number else passed_over)
        for number, group in enumerate(groups)
    ]


def join_inputs(path: Path, inputs: Sequence[ExportInput]) -> ExportInput:
    """Makes one input of all exports under a path, so that they are read together."""
    files = tuple(file for entry in inputs for file in entry.paths)
    return inputs[0] if len(inputs) == 1 else ExportInput(_input_name(path, files), files, inputs[0].passed_over)


def recognises(path: Path) -> bool:
    """Returns whether a file is an export, or a folder or archive contains one."""
    try:
        candidates = files_of(path) if path.is_file() else _find_candidates(path)
        return any(not _problem(export) for export in candidates)
    except (OSError, UserError):
        return False


def files_of(path: Path) -> list[LogFile]:
    """Returns the files to read for a path: the file itself, or the files in a zip archive that may be exports.

    Raises:
        UserError: The archive is damaged.
    """
    return list(_find_in_archive(path)) if is_zip(path) else [LogFile(path)]


def find_problem(export: LogFile) -> str:
    """Checks the beginning of a file.

    Returns:
        Why the file is not an export; empty if it looks like one.

    Raises:
        UserError: The file cannot be read.
    """
    if not export.member and is_zip(export.path) and not files_of(export.path):
        return "an archive without an export"
    head = read_head(export)
    if head.startswith(_OTHER_ARCHIVES):
        return "an archive; unpack it"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        return "the file is empty"
    if text.startswith(b"<") and (_PAGE.fullmatch(export.file_name) or _MARK_OF_PAGE in head):
        return "an HTML export, which contains no user ids"
    if not text.startswith((b"{", b"[")) or _TOML_TABLE.match(text):
        return _NOT_JSON
    if fast_parser.has_known_layout(head):
        return ""
    for patterns, other_format in _OTHER_FORMATS:
        if all(re.search(pattern, head) for pattern in patterns):
            return f"{other_format}, not a Telegram Desktop export"
    # A file that ends within its first message may not contain the mark yet.
    is_whole = len(head) >= HEAD_SIZE or head.rstrip().endswith((b"}", b"]"))
    first = _FIRST_MESSAGE.search(head) if is_whole else None
    if first and not _MARK_OF_MESSAGE.search(head, first.end()):
        return next((other for pattern, other in _OTHER_MESSAGES if pattern.search(head, first.end() - 1)), _NOT_EXPORT)
    return "" if text.startswith(b"{") and _TELEGRAM_KEYS.search(head) else _NOT_EXPORT


def _problem(export: LogFile) -> str:
    """Returns why a file is not an export, or why it cannot be read; empty if it looks like an export."""
    try:
        return find_problem(export)
    except UserError as error:
        return str(error).removeprefix(f"{export}: ")


def _describe_passed_over(path: Path, problems: Mapping[LogFile, str]) -> tuple[str, ...]:
    """Describes files with the name of an export one by one, and all others in one sentence."""
    sentences, others = [], []
    for export, problem in problems.items():
        name = escape_control_characters(_name(path, export))
        if export.file_name in (_RESULT, _HTML):
            sentences.append(f"{name}: {problem}; {EXPORT_HINT}")
        else:
            others.append(f"{name} ({problem})")
    if others:
        more = f" and {len(others) - _MAX_LISTED} more" if len(others) > _MAX_LISTED else ""
        sentences.append(f"passed over: {', '.join(others[:_MAX_LISTED])}{more}")
    return tuple(sentences)


def _name(path: Path, export: LogFile) -> str:
    """Returns the name of a file relative to a folder or archive."""
    parts = [] if export.path == path else [export.path.relative_to(path).as_posix()]
    return "/".join([*parts, *([export.member] if export.member else [])])


def _input_name(folder: Path, files: Sequence[Path]) -> str:
    first = files[0].relative_to(folder).as_posix()
    return first if len(files) == 1 else f"{first} and {len(files) - 1} more"


def _group_by_chat(exports: Sequence[LogFile]) -> list[tuple[Path, ...]]:
    """Groups files that may contain the same chat.

    The chat of a file is known without reading it only if the file contains a single chat; otherwise all files form one
    group.
    """
    everything = tuple(dict.fromkeys(export.path for export in exports))
    if len(everything) < len(exports):  # an archive with several exports
        return [everything]
    groups: dict[str, list[Path]] = {}
    chats_by_history: dict[tuple[int, bytes], str] = {}
    for export in exports:
        head = read_head(export)
        header = fast_parser.single_chat_header(head)
        if header is None and len(exports) > 1:
            return [everything]
        # Old versions add a multiple of 2^32 to ids; the remainder is the same in exports of all versions.
        chat = f"{header.id % (1 << 32)}" if header and header.id is not None else str(export.path)
        if history := _history_of_group(header, head):
            chat = chats_by_history.setdefault(history, chat)
        groups.setdefault(chat, []).append(export.path)
    return [tuple(group) for group in groups.values()]


def _history_of_group(header: ChatHeader | None, head: bytes) -> tuple[int, bytes] | None:
    """Returns id and time of the first message of a group, also if the group became a supergroup; else None."""
    first = _FIRST_OF_GROUP.search(head)
    if header is None or first is None or "group" not in (header.type or ""):
        return None
    number = int(first["id"])
    if "supergroup" in (header.type or ""):
        return (number + ID_SHIFT, first["time"]) if number < 0 else None
    return number, first["time"]


def _find_candidates(folder: Path) -> Iterator[LogFile]:
    """Finds JSON files, archives and the first pages of HTML exports.

    Links are followed, and every folder and file is visited once. In the media folders of an export, which contain
    what people have sent, only a file with the name of an export counts.
    """
    visited = {_identity(folder)}
    media: set[Path] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        here = Path(parent)
        names = {name.lower() for name in files}
        folders[:] = [name for name in sorted(folders) if _is_new(here / name, visited)]
        is_export = _RESULT in names or _HTML in names
        media |= {here / name for name in folders if here in media or (is_export and name.lower() in _MEDIA_FOLDERS)}
        for name in sorted(files):
            path, lower = here / name, name.lower()
            is_page = lower == _HTML and _RESULT not in names
            is_candidate = lower == _RESULT or (
                here not in media and (lower.endswith((".json", *_ARCHIVES)) or is_page)
            )
            if is_candidate and _is_new(path, visited):
                yield from _find_in_file(path)


def _find_in_file(path: Path) -> list[LogFile]:
    """Returns the file; of a zip archive, whatever its name, the files in it that may be exports if there are any."""
    try:
        return files_of(path) or [LogFile(path)]
    except UserError:
        return [LogFile(path)]


def _find_in_archive(path: Path) -> Iterator[LogFile]:
    with LogFileOpener() as opener:
        names = [file.member for file in opener.members(path)]
    lower_names = {name.lower() for name in names}
    for name in names:
        *folders, lower = PurePosixPath(name.lower()).parts
        is_page = lower == _HTML and name.lower().removesuffix(_HTML) + _RESULT not in lower_names
        is_candidate = is_page or (lower.endswith(".json") and _MEDIA_FOLDERS.isdisjoint(folders))
        if lower == _RESULT or (is_candidate and "__macosx" not in folders):
            yield LogFile(path, name)


def _is_new(path: Path, visited: set[tuple[int, int] | None]) -> bool:
    """Remembers a file or folder; returns whether it was not visited yet. A broken link is always new."""
    identity = _identity(path)
    if identity in visited:
        return False
    if identity is not None:
        visited.add(identity)
    return True


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
