"""Finds log files, opens them whether or not they are compressed, and explains why a file is not a log."""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import attrs

from autocakechat import ForeignLogError, Input, RunContext, UserError, escape_control_characters
from autocakechat.plugins.sources.records.zst import open_zst

HEAD_SIZE = 1 << 16  # bytes at the beginning of a file that are enough to recognise its format
_BLOCK = 1 << 17  # bytes
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)  # what reading a damaged compressed file raises
_COMPRESSIONS = (".gz", ".zst")
_MAX_RATIO = 200  # of a compressed file to its content; messages have 5 to 30
_MAX_SMALL_SIZE = 1 << 28  # bytes; up to this size, the ratio does not matter
_MIN_FREE_SPACE = 1 << 26  # bytes that a copy of more than this size leaves free on its disk, for other programs
_Unpacked = gzip.GzipFile | io.BufferedReader
OnDamage = Callable[[Exception], None]


@attrs.frozen
class FileFormat:
    """A format of log files.

    Attributes:
        suffixes: The suffixes that a file in a folder must have, without that of a compression.
        problem: Takes the name and the beginning of a file, and returns why it is not of this format; empty if it is.
        hint: What to do about a file that is not of this format.
    """

    suffixes: tuple[str, ...]
    problem: Callable[[str, bytes], str]
    hint: str


def find_input(path: Path, file_format: FileFormat) -> Input:
    """Finds the log files under a path. They are read together, because any of them may continue a chat of another.

    Args:
        path: A file, or a folder that contains log files at any depth.
        file_format: The format to look for.

    Raises:
        UserError: There is no log.
    """
    shown = escape_control_characters(str(path))
    if path.is_file():
        if problem := find_problem(path, file_format):
            is_foreign = not _bare_name(path).lower().endswith(file_format.suffixes)
            raise (ForeignLogError if is_foreign else UserError)(f"{shown}: {problem}", file_format.hint)
        return Input(path.name, (path,))
    if not path.is_dir():
        raise UserError(f"{shown}: no such file or folder", file_format.hint)
    candidates = sorted(_find_candidates(path, file_format))
    problems = {file: find_problem(file, file_format) for file in candidates}
    logs = tuple(file for file in candidates if not problems[file])
    if not logs:
        if not candidates:
            suffixes = " or ".join(file_format.suffixes)
            raise ForeignLogError(f"{shown}: no file with the suffix {suffixes} in this folder", file_format.hint)
        first = candidates[0]
        raise UserError(f"{escape_control_characters(str(first))}: {problems[first]}", file_format.hint)
    name = logs[0].relative_to(path).as_posix()
    return Input(name if len(logs) == 1 else f"{name} and {len(logs) - 1} more", logs)


def recognises(path: Path, file_format: FileFormat) -> bool:
    """Returns whether a file is a log, or a folder contains one."""
    try:
        files = [path] if path.is_file() else _find_candidates(path, file_format)
        return any(not find_problem(file, file_format) for file in files)
    except (OSError, UserError):
        return False


def find_problem(path: Path, file_format: FileFormat) -> str:
    """Checks the beginning of a file.

    Returns:
        Why the file is not a log; empty if it looks like one.

    Raises:
        UserError: The file cannot be read.
    """
    damage: list[Exception] = []
    with open_log(path, on_damage=damage.append) as file:
        head = read_head(file)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        return f"the file is damaged ({damage[0]})" if damage else "the file is empty"
    return file_format.problem(_bare_name(path), head)


def read_head(file: BinaryIO) -> bytes:
    """Reads the beginning of a file."""
    return file.read(HEAD_SIZE)


def damage_warning(run: RunContext, name: str) -> OnDamage:
    """Returns a function that warns about a damaged file.

    Args:
        run: The run.
        name: The name of the file.
    """
    return partial(run.log.warning, "%s: the file is damaged or truncated (%s); everything before is used", name)


@contextmanager
def open_log(path: Path, copy_to: Path | None = None, on_damage: OnDamage | None = None) -> Iterator[BinaryIO]:
    """Opens a file for reading; one with the suffix of a compression is decompressed. It ends where it is damaged.

    Args:
        path: The file.
        copy_to: The folder that its content is copied to; None if it is not copied.
        on_damage: Called if a compressed file is damaged or truncated.

    Raises:
        UserError: The file cannot be opened, the library for its compression is missing, its content is larger than
            that of a log can be, or the disk has no space for it. The last two are raised when the content is read.
    """
    shown = escape_control_characters(str(path))

    def limited(unpacked: _Unpacked) -> BinaryIO:
        most = max(_MAX_SMALL_SIZE, _MAX_RATIO * path.stat().st_size)
        return io.BufferedReader(_CompressedContent(unpacked, most, shown, copy_to, on_damage), _BLOCK)

    try:
        if path.suffix.lower() == ".zst":
            with path.open("rb") as packed:
                yield limited(open_zst(packed, shown))
        elif path.suffix.lower() == ".gz":
            with gzip.open(path) as file:
                yield limited(file)
        else:
            with path.open("rb") as plain:
                yield plain
    except OSError as error:
        if error.errno == errno.ENOSPC:  # the caller could not write a copy
            raise
        raise UserError(f"{shown}: {error.strerror}", "check the path and its permissions") from None


class _CompressedContent(io.RawIOBase):
    """Reads the content of a compressed file up to a limit, and as long as the disk has space for a copy.

    The content ends where the file is damaged. An exception would cost what readers of this one have buffered.
    """

    def __init__(
        self, unpacked: _Unpacked, most: int, name: str, copy_to: Path | None, on_damage: OnDamage | None
    ) -> None:
        self._unpacked = unpacked
        self._most = most
        self._size = 0
        self._name = name
        self._copy_to = copy_to
        self._on_damage = on_damage
        self._is_damaged = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._read(len(buffer))
        self._size += len(data)
        if self._size > self._most:
            raise UserError(f"{self._name}: is compressed more than a log can be", "unpack the file if it is one")
        folder = self._copy_to if self._size > _MIN_FREE_SPACE else None
        if folder and shutil.disk_usage(folder).free < _MIN_FREE_SPACE:
            raise UserError(f"{self._name}: no disk space for its content in {folder}", "free some space")
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        if self._is_damaged:
            return b""
        try:
            return self._unpacked.read1(size)
        except _DAMAGE as error:
            self._is_damaged = True
            if self._on_damage:
                self._on_damage(error)
            return b""


def is_compressed(path: Path) -> bool:
    """Returns whether a file has the suffix of a compression."""
    return path.suffix.lower() in _COMPRESSIONS


def unique_names(input: Input) -> dict[Path, str]:
    """Returns a name for each file of an input; the names do not depend on the location of the input."""
    if len(input.paths) == 1:
        return {input.paths[0]: input.name}
    common = Path(os.path.commonpath([path.parent for path in input.paths]))
    return {path: path.relative_to(common).as_posix() for path in input.paths}


def _bare_name(path: Path) -> str:
    """Returns the name of a file without the suffix of its compression."""
    return path.name[: -len(path.suffix)] if is_compressed(path) else path.name


def _find_candidates(folder: Path, file_format: FileFormat) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names if not name.startswith(".")):
            if _bare_name(path).lower().endswith(file_format.suffixes) and path.is_file():  # not a pipe
                yield path
