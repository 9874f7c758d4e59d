"""Reads the chats of log files with one message a line."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from autocakechat import Chat, Input, RunContext, escape_control_characters
from autocakechat.plugins.sources.records.chat_index import Line, blocks_in_order, index_chats
from autocakechat.plugins.sources.records.corpus_reader import read_corpus
from autocakechat.plugins.sources.records.files import (
    damage_warning,
    is_compressed,
    open_log,
    read_head,
    unique_names,
)
from autocakechat.plugins.sources.records.line_format import is_corpus
from autocakechat.plugins.sources.records.message_batches import message_batches
from autocakechat.plugins.sources.records.records import InvalidRecordError, time_parser

# Opens a file as lines of JSON, in which one can seek. Takes the file, its name for messages, and the run.
OpenLines = Callable[[Path, str, RunContext], BinaryIO]


def open_lines(path: Path, name: str, run: RunContext) -> BinaryIO:
    """Opens a file with lines of JSON; a compressed one is unpacked to an unnamed temporary file.

    Args:
        path: The file.
        name: Its name in messages.
        run: The run, for the temporary file and warnings.
    """
    if not is_compressed(path):
        return path.open("rb")
    with ExitStack() as stack, open_log(path, run.state, damage_warning(run, name)) as packed:
        unpacked = stack.enter_context(tempfile.TemporaryFile(dir=run.state))
        shutil.copyfileobj(packed, unpacked)
        unpacked.seek(0)
        stack.pop_all()  # the reader closes it
        return unpacked


def read_files(zone: ZoneInfo, input: Input, run: RunContext, open_file: OpenLines = open_lines) -> Iterator[Chat]:
    """Reads all chats of an input, in the order in which they begin.

    Args:
        zone: The time zone of times that have none.
        input: The files.
        run: The run.
        open_file: Opens a file as lines of JSON.
    """
    parse_time = time_parser(zone)
    with ExitStack() as stack:
        names, files = [], []
        for path, name in unique_names(input).items():
            shown = escape_control_characters(name)
            file = stack.enter_context(open_file(path, shown, run))
            head = read_head(file)
            file.seek(0)
            if is_corpus(head):
                yield read_corpus(name, file, run)
            else:
                names.append(shown)
                files.append(file)
        damage = _Damage(names, files)
        total = sum(map(_size, files))
        with run.progress(f"scanning {escape_control_characters(input.name)}", total=total, unit="B") as progress:
            chats = index_chats(files, parse_time, progress.advance)
        with run.progress(f"reading {escape_control_characters(input.name)}", total=total, unit="B") as progress:
            for chat in chats:
                blocks = blocks_in_order(chat, files, parse_time)
                batches = message_batches(blocks, parse_time, damage.add, progress.advance)
                yield Chat.of_batches(chat.id, chat.title, chat.kind, batches, chat.skip)
        damage.warn(run)


class _Damage:
    """Counts the lines that are not messages.

    Args:
        names: The names of the files, for the message.
        files: The files.
    """

    def __init__(self, names: Sequence[str], files: Sequence[BinaryIO]) -> None:
        self._names = names
        self._files = files
        self._first: tuple[Line, InvalidRecordError] | None = None
        self._count = 0

    def add(self, line: Line, error: InvalidRecordError) -> None:
        """Adds a line."""
        self._first = self._first or (line, error)
        self._count += 1

    def warn(self, run: RunContext) -> None:
        """Logs a warning with the first line and the number of all, if there is one."""
        if self._first is None:
            return
        line, error = self._first
        hidden = self._count - 1
        more = f"; {hidden:,} more {'line is not a message' if hidden == 1 else 'lines are not messages'}"
        name, number = self._names[line.file], self._line_number(line)
        run.log.warning(
            "%s:%d: not a message: %s%s", name, number, escape_control_characters(str(error)), more if hidden else ""
        )

    def _line_number(self, line: Line) -> int:
        file, rest, number = self._files[line.file], line.offset, 1
        file.seek(0)
        while rest and (part := file.read(min(rest, 1 << 20))):
            number += part.count(b"\n")
            rest -= len(part)
        return number


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size
