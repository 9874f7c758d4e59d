"""Finds and opens exports, and explains why a file is not an export."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, repeat, takewhile
from pathlib import Path

import attrs

from autocakechat import ForeignLogError, Input, UserError, escape_control_characters
from autocakechat_whatsapp.header import parse_header

EXPORT_HINT = (
    "in WhatsApp open the chat, then its menu > (More >) Export chat, and use the .zip or .txt file it creates"
)
NO_HEADER = "not a WhatsApp export: no line begins with a date and time"
_OTHER_SUFFIX = "not a WhatsApp export, which is a .txt or .zip file"
_NO_TEXT = "an archive without a .txt file"
_SUFFIXES = (".txt", ".zip")
_CHECKED_LINES = 50
_MAX_LINE = 1 << 16  # characters; longer lines are read in parts
# Those whose output zipfile limits: it unpacks a block of any other kind as a whole, which may take all memory.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@attrs.frozen
class OpenExport:
    """An open export.

    Attributes:
        name: Name of the text file: the file itself, or a member of the archive.
        size: Size of the text file in bytes.
        file: The buffered bytes below `text`, for the position.
        text: The text, from the beginning.
    """

    name: str
    size: int
    file: io.BufferedReader
    text: io.TextIOWrapper

    def lines(self) -> Iterator[str]:
        """Yields the lines with their line breaks; a very long line in parts."""
        return takewhile(bool, map(self.text.readline, repeat(_MAX_LINE)))

    def position(self) -> int:
        """Returns how many bytes have been read."""
        return self.file.tell()


def find_inputs(path: Path) -> list[Input]:
    """Finds the exports under a path.

    Args:
        path: A file, or a folder that contains exports at any depth.

    Returns:
        One input per export, sorted by name.

    Raises:
        UserError: There is no export.
    """
    shown_path = escape_control_characters(str(path))
    if path.is_file():
        if problem := find_problem(path):
            is_foreign = problem in (_NO_TEXT, _OTHER_SUFFIX)
            raise (ForeignLogError if is_foreign else UserError)(f"{shown_path}: {problem}", EXPORT_HINT)
        return [Input(path.name, (path,))]
    if not path.is_dir():
        raise UserError(f"{shown_path}: no such file or folder", EXPORT_HINT)
    candidates = _find_candidates(path)
    if not candidates:
        raise ForeignLogError(f"{shown_path}: no export in this folder", EXPORT_HINT)
    exports = [file for file in candidates if not find_problem(file)]
    if not exports:
        first = candidates[0]
        raise UserError(f"{escape_control_characters(str(first))}: {find_problem(first)}", EXPORT_HINT)
    return [Input(file.relative_to(path).as_posix(), (file,)) for file in exports]


def contains_export(path: Path) -> bool:
    """Returns whether a file is an export, or a folder contains one."""
    try:
        return any(not find_problem(file) for file in ([path] if path.is_file() else _find_candidates(path)))
    except OSError:
        return False


def find_problem(path: Path) -> str:
    """Checks the beginning of a file.

    Returns:
        Why the file is not an export; empty if it looks like one.
    """
    if path.suffix.lower() not in _SUFFIXES:
        return _OTHER_SUFFIX
    try:
        with open_export(path) as export:
            head = list(islice(export.lines(), _CHECKED_LINES))
    except UserError as error:
        return error.message.partition(": ")[2]
    if not any(line.strip() for line in head):
        return "the file is empty"
    if not any(map(parse_header, head)):
        return NO_HEADER
    return ""


@contextmanager
def open_export(path: Path) -> Iterator[OpenExport]:
    """Opens the text of an export, which may be a member of an archive.

    Raises:
        UserError: The file cannot be read, or is an archive without a text file.
    """
    shown_path = escape_control_characters(str(path))
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive, _open_member(archive, _find_chat(archive, path)) as export:
                yield export
        else:
            with path.open("rb") as file:
                yield _open_text(path.name, path.stat().st_size, file)
    except OSError as error:
        raise UserError(
            f"{shown_path}: {error.strerror or 'cannot be read'}", "check the path and its permissions"
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UserError(
            f"{shown_path}: a damaged archive ({escape_control_characters(str(error))})", "export the chat again"
        ) from None
    except RuntimeError as error:
        if "password" not in str(error):
            raise
        raise UserError(f"{shown_path}: an archive with a password", "unpack it and use the .txt file in it") from None


def _find_chat(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """Returns the text of the chat.

    On iOS it is `_chat.txt`, on Android it often has the name of the archive. Other text files are attachments. Where
    the names do not tell, the content does.
    """
    text_files = [member for member in archive.infolist() if member.filename.lower().endswith(".txt")]
    if not text_files:
        raise UserError(f"{escape_control_characters(str(path))}: {_NO_TEXT}", EXPORT_HINT)
    return min(
        text_files,
        key=lambda member: (
            Path(member.filename).name != "_chat.txt",
            not _begins_with_header(archive, member),
            Path(member.filename).stem != path.stem,
            "WA0" in member.filename,
            member.filename,
        ),
    )


def _begins_with_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Returns whether a member of an archive looks like a chat."""
    with _open_member(archive, member) as export:
        return any(map(parse_header, islice(export.lines(), _CHECKED_LINES)))


@contextmanager
def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[OpenExport]:
    if member.compress_type not in _COMPRESSIONS:
        raise NotImplementedError("compressed in an unusual way")
    with archive.open(member) as file:
        buffer = io.BufferedReader(file)  # type: ignore[type-var]
        yield _open_text(member.filename, member.file_size, buffer)  # type: ignore[arg-type]


def _open_text(name: str, size: int, file: io.BufferedReader) -> OpenExport:
    is_utf16 = file.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff")
    encoding = "utf-16" if is_utf16 else "utf-8-sig"
    return OpenExport(name, size, file, io.TextIOWrapper(file, encoding, errors="replace"))


def _find_candidates(folder: Path) -> list[Path]:
    return sorted(
        Path(parent, name)
        for parent, _, files in os.walk(folder)
        for name in files
        if name.lower().endswith(_SUFFIXES) and not name.startswith(".") and Path(parent, name).is_file()  # not a pipe
    )
