"""Finds and opens exports, and explains why a file is not an export."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path, PurePosixPath

import attrs

from autocakechat import ForeignLogError, Input, LogFile, LogFileOpener, UserError, escape_control_characters
from autocakechat_whatsapp.block_splitter import MAX_LINE
from autocakechat_whatsapp.header import parse_header

EXPORT_HINT = (
    "in WhatsApp open the chat, then its menu > (More >) Export chat, and use the .zip or .txt file it creates"
)
NO_HEADER = "not a WhatsApp export: no line begins with a date and time"
_OTHER_SUFFIX = "not a WhatsApp export, which is a .txt or .zip file"
_NO_TEXT = "an archive without a .txt file"
_SUFFIXES = (".txt", ".zip")
_CHECKED_LINES = 50
_CHUNK = 1 << 15  # bytes


@attrs.frozen
class OpenExport:
    """An open export.

    Attributes:
        size: Size of the text file in bytes.
    """

    size: int
    _file: io.BufferedReader

    def head(self) -> list[str]:
        """Returns the first lines."""
        return list(islice(chain.from_iterable(map(io.StringIO, self.blocks())), _CHECKED_LINES))

    def blocks(self, advance: Callable[[int], None] = lambda _: None) -> Iterator[str]:
        """Yields the lines with their line breaks, many at once; a very long line in parts.

        Args:
            advance: Called with a number of bytes that were read.
        """
        is_utf16 = self._file.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff")
        decoder = codecs.getincrementaldecoder("utf-16" if is_utf16 else "utf-8-sig")("replace")
        decode = io.IncrementalNewlineDecoder(decoder, translate=True).decode
        buffer, chunk = "", b"-"
        while chunk:
            chunk = self._file.read(_CHUNK)
            advance(len(chunk))
            buffer += decode(chunk, final=not chunk)
            end = buffer.rfind("\n") + 1 or len(buffer) // MAX_LINE * MAX_LINE
            if end:
                yield buffer[:end]
                buffer = buffer[end:]
        if buffer:
            yield buffer


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
            head = export.head()
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
    with LogFileOpener() as opener:
        file = _find_chat(opener, path) if path.suffix.lower() == ".zip" else LogFile(path)
        with opener.open(file) as opened:
            yield OpenExport(opener.size(file), opened)


def _find_chat(opener: LogFileOpener, archive: Path) -> LogFile:
    """Returns the text of the chat.

    On iOS it is `_chat.txt`, on Android it often has the name of the archive. Other text files are attachments. Where
    the names do not tell, the content does.
    """
    text_files = [file for file in opener.members(archive) if file.file_name.endswith(".txt")]
    if not text_files:
        raise UserError(f"{LogFile(archive)}: {_NO_TEXT}", EXPORT_HINT)
    return min(
        text_files,
        key=lambda file: (
            PurePosixPath(file.member).name != "_chat.txt",
            not _begins_with_header(opener, file),
            PurePosixPath(file.member).stem != archive.stem,
            "WA0" in file.member,
            file.member,
        ),
    )


def _begins_with_header(opener: LogFileOpener, file: LogFile) -> bool:
    """Returns whether a member of an archive looks like a chat."""
    with opener.open(file) as opened:
        return any(map(parse_header, OpenExport(opener.size(file), opened).head()))


def _find_candidates(folder: Path) -> list[Path]:
    return sorted(
        Path(parent, name)
        for parent, _, files in os.walk(folder)
        for name in files
        if name.lower().endswith(_SUFFIXES) and not name.startswith(".") and Path(parent, name).is_file()  # not a pipe
    )
