"""Finds exports among files, opens them, and says what to do about files that are none."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import attrs

from autocakechat import Input, UserError, escape_control_characters
from autocakechat_whatsapp.header import parse_header

HOW = "in WhatsApp open the chat, then its menu > (More >) Export chat, and give the .zip or .txt that it makes"
_KINDS = (".txt", ".zip")
_HEAD = 50
_LONGEST = 1 << 16  # of longer lines a part is read at a time


@attrs.frozen
class Opened:
    """An export that is open.

    Attributes:
        name: What the text is called inside of an archive, or the file itself.
        size: How long it is, in bytes.
        file: Its bytes, which are read in portions.
        text: Its text, from the beginning.
    """

    name: str
    size: int
    file: io.BufferedReader
    text: io.TextIOWrapper

    def lines(self) -> Iterator[str]:
        """Reads the lines with their ends; of a very long one, parts without."""
        return iter(lambda: self.text.readline(_LONGEST), "")

    def position(self) -> int:
        """Returns how many bytes were read so far."""
        return self.file.tell()


def find_inputs(path: Path) -> list[Input]:
    """Finds what there is to read.

    Args:
        path: A file, or a folder with exports at any depth.

    Returns:
        One input for each export, in the order of their names.

    Raises:
        UserError: There is none.
    """
    shown = escape_control_characters(str(path))
    if path.is_file():
        if why := why_no_export(path):
            raise UserError(f"{shown}: {why}", HOW)
        return [Input(path.name, (path,))]
    if not path.is_dir():
        raise UserError(f"{shown}: no such file or folder", HOW)
    candidates = _candidates(path)
    found = [file for file in candidates if not why_no_export(file)]
    if not found:
        why = why_no_export(candidates[0]) if candidates else ""
        where = escape_control_characters(str(candidates[0])) if candidates else shown
        raise UserError(f"{where}: {why or 'no export is in this folder'}", HOW)
    return [Input(file.relative_to(path).as_posix(), (file,)) for file in found]


def holds_export(path: Path) -> bool:
    """Tells whether a file is an export or a folder holds one."""
    try:
        return any(not why_no_export(file) for file in ([path] if path.is_file() else _candidates(path)))
    except OSError:
        return False


def why_no_export(path: Path) -> str:
    """Looks at the beginning of a file.

    Returns:
        What is wrong with it; empty if it looks like an export.
    """
    if path.suffix.lower() not in _KINDS:
        return "no export of WhatsApp, which is a .txt or a .zip"
    try:
        with open_export(path) as opened:
            head = list(islice(opened.lines(), _HEAD))
    except UserError as error:
        return error.message.partition(": ")[2]
    if not any(line.strip() for line in head):
        return "the file is empty"
    if not any(map(parse_header, head)):
        return "no export of WhatsApp: no line begins with a date and a time"
    return ""


@contextmanager
def open_export(path: Path) -> Iterator[Opened]:
    """Opens the text of an export, which may lie in an archive.

    Raises:
        UserError: It cannot be read, or is no archive with a text in it.
    """
    shown = escape_control_characters(str(path))
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                member = _chat_in(archive, shown)
                with archive.open(member) as file:
                    yield _opened(member.filename, member.file_size, io.BufferedReader(file))  # type: ignore[arg-type]
        else:
            with path.open("rb") as file:
                yield _opened(path.name, path.stat().st_size, file)
    except OSError as error:
        raise UserError(f"{shown}: {error.strerror or 'cannot be read'}") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise UserError(
            f"{shown}: a damaged archive ({escape_control_characters(str(error))})", "export the chat again"
        ) from None
    except RuntimeError as error:
        if "password" not in str(error):
            raise
        raise UserError(f"{shown}: an archive with a password", "unpack it and give the .txt in it") from None


def _chat_in(archive: zipfile.ZipFile, shown: str) -> zipfile.ZipInfo:
    """Returns the text of the chat: `_chat.txt` on iOS, the only text beside the media on Android."""
    texts = [member for member in archive.infolist() if member.filename.lower().endswith(".txt")]
    texts.sort(
        key=lambda member: (Path(member.filename).name != "_chat.txt", "WA0" in member.filename, member.filename)
    )
    if not texts:
        raise UserError(f"{shown}: no chat is in this archive, which holds no .txt", HOW)
    return texts[0]


def _opened(name: str, size: int, file: io.BufferedReader) -> Opened:
    wide = file.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff")
    return Opened(name, size, file, io.TextIOWrapper(file, "utf-16" if wide else "utf-8-sig", errors="replace"))


def _candidates(folder: Path) -> list[Path]:
    return sorted(
        Path(place, name)
        for place, _, files in os.walk(folder)
        for name in files
        if name.lower().endswith(_KINDS) and not name.startswith(".")
    )
