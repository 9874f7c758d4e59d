"""Finds the messages of each chat in files whose lines may belong to any chat, in any order."""

from __future__ import annotations

import contextlib
import io
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import BinaryIO, NamedTuple

import attrs

from autocakechat.plugins.sources.records.records import (
    InvalidRecordError,
    RecordKey,
    parse_key,
    parse_keys,
    parse_times,
)

MAX_LINE = 1 << 24  # bytes; a longer line is read in parts, which are not messages
_BLOCK = 1 << 16  # bytes that are read at once
_DAMAGED = "damaged"  # id of the chat for the lines of files without messages
ParseTime = Callable[[str | int | float], int]


class Run(NamedTuple):
    """Consecutive lines of one chat whose times ascend.

    Attributes:
        first: The first time.
        last: The last time.
        file: The index of the file.
        start: File offset of the first line.
        end: File offset after the last line.
    """

    first: int
    last: int
    file: int
    start: int
    end: int

    def precedes(self, other: Run) -> bool:
        """Returns whether all lines of this run come before those of another; lines of one time are in file order."""
        return (self.last, self.file, self.start) < (other.first, other.file, other.start)


class Line(NamedTuple):
    """A line and its place.

    Attributes:
        file: The index of the file.
        offset: Its file offset.
        content: The line.
    """

    file: int
    offset: int
    content: bytes


class Block(NamedTuple):
    """Consecutive lines of a file.

    Attributes:
        file: The index of the file.
        offset: The file offset of the first line.
        content: The lines with their line breaks.
    """

    file: int
    offset: int
    content: bytes

    def lines(self) -> Iterator[Line]:
        """Yields the lines, one after the other."""
        offset = self.offset
        for content in io.BytesIO(self.content):
            yield Line(self.file, offset, content)
            offset += len(content)


@attrs.define
class IndexedChat:
    """A chat and the places of its messages: 40 bytes for a run, so that a log may be larger than the memory.

    Attributes:
        id: Its id.
        title: Its title, if a line has one.
        kind: Its kind, if a line has one.
        skip: Why it is not used, if a line says so.
    """

    id: str
    title: str | None = None
    kind: str = "chat"
    skip: str | None = None
    _runs: array[int] = attrs.field(factory=lambda: array("q"))

    def add(self, run: Run) -> None:
        """Adds a run."""
        self._runs.extend(run)

    def describe(self, key: RecordKey) -> None:
        """Takes over what a line says about its chat."""
        self.title = key.title or self.title
        self.kind = key.chat_kind or self.kind
        self.skip = key.skip or self.skip

    def runs(self) -> list[Run]:
        """Returns the runs, sorted by their first times."""
        runs = (Run(*self._runs[at : at + 5]) for at in range(0, len(self._runs), 5))
        return sorted(runs, key=attrgetter("first", "file", "start"))


def index_chats(files: Sequence[BinaryIO], parse_time: ParseTime, advance: Callable[[int], None]) -> list[IndexedChat]:
    """Reads all files once and finds the runs of each chat.

    Args:
        files: The files.
        parse_time: Parses a time.
        advance: Called with a number of bytes that were read.
    """
    chats: dict[str, IndexedChat] = {}
    for number, file in enumerate(files):
        indexer = _FileIndexer(number, chats, parse_time)
        for block in blocks_of(number, file):
            indexer.add(block)
            advance(len(block.content))
        indexer.finish()
    return list(chats.values())


class _FileIndexer:
    """Finds the runs of one file. A line that is not a message belongs to the run before it, or else to the first.

    The lines of a file without any message form a separate chat, so that they are counted.

    Args:
        number: The index of the file.
        chats: The chats by their ids; chats that are new are added.
        parse_time: Parses a time.
    """

    def __init__(self, number: int, chats: dict[str, IndexedChat], parse_time: ParseTime) -> None:
        self._number = number
        self._chats = chats
        self._parse_time = parse_time
        self._chat: IndexedChat | None = None
        self._has_text = False
        self._first = self._last = self._start = self._end = 0

    def add(self, block: Block) -> None:
        """Adds the next block of the file."""
        if not self._continue_run(block):
            for line in block.lines():
                self._add_line(line)
        self._end = block.offset + len(block.content)

    def finish(self) -> None:
        """Adds the last run."""
        if self._chat is None and self._has_text:
            self._chat = self._chats.setdefault(_DAMAGED, IndexedChat(_DAMAGED, "lines that are not messages"))
        self._add_run(self._end)

    def _continue_run(self, block: Block) -> bool:
        """Adds a block whose lines all continue the current run; returns False, and adds nothing, for any other."""
        keys = parse_keys(block.content)
        if self._chat is None or not keys:
            return False
        if {str(chat) for chat in {key.chat for key in keys}} != {self._chat.id}:
            return False
        if any([key.title or key.chat_kind or key.skip for key in keys]):  # noqa: C419 - twice as fast as a generator
            return False
        try:
            times = [self._last, *parse_times([key.time for key in keys], self._parse_time)]
        except InvalidRecordError:
            return False
        if times != sorted(times):
            return False
        self._last = times[-1]
        return True

    def _add_line(self, line: Line) -> None:
        try:
            key = parse_key(line.content)
            sent = self._parse_time(key.time)
        except InvalidRecordError:
            self._has_text = self._has_text or not line.content.isspace()
            return
        id_ = str(key.chat)
        if self._chat is None or id_ != self._chat.id or sent < self._last:
            if self._chat is not None:
                self._add_run(line.offset)
                self._start = line.offset
            self._chat = self._chats.get(id_) or self._chats.setdefault(id_, IndexedChat(id_))
            self._first = sent
        if key.title or key.chat_kind or key.skip:
            self._chat.describe(key)
        self._last = sent

    def _add_run(self, end: int) -> None:
        if self._chat is not None:
            self._chat.add(Run(self._first, self._last, self._number, self._start, end))


def blocks_in_order(chat: IndexedChat, files: Sequence[BinaryIO], parse_time: ParseTime) -> Iterator[Block]:
    """Yields the lines of a chat, oldest first.

    Runs that follow each other in time are read one after the other. Otherwise the lines are sorted, for which the
    place of each one is held in memory.

    Args:
        chat: The chat.
        files: The files that were indexed.
        parse_time: Parses a time.
    """
    runs = chat.runs()
    if all(before.precedes(after) for before, after in pairwise(runs)):
        for run in runs:
            yield from blocks_of(run.file, files[run.file], run.start, run.end)
        return
    places = []
    for run in runs:
        sent = run.first
        for block in blocks_of(run.file, files[run.file], run.start, run.end):
            for line in block.lines():
                with contextlib.suppress(InvalidRecordError):  # a damaged line has the time of the line before it
                    sent = parse_time(parse_key(line.content).time)
                places.append((sent, line.file, line.offset))
    places.sort()
    for _, number, offset in places:
        files[number].seek(offset)
        yield Block(number, offset, files[number].readline(MAX_LINE))


def blocks_of(number: int, file: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[Block]:
    """Yields the lines of a part of a file, some hundred at once; a very long line in parts.

    Args:
        number: The index of the file.
        file: The file.
        start: File offset of the first line.
        end: File offset after the last line; None for the end of the file.
    """
    buffer = b""
    while True:
        place = start + len(buffer)
        file.seek(place)  # another chat may be read in between
        size = max(_BLOCK, len(buffer))
        more = file.read(size if end is None else min(size, end - place))
        buffer += more
        cut = buffer.rfind(b"\n") + 1 if more else len(buffer)
        if not cut and len(buffer) >= MAX_LINE:
            cut = MAX_LINE
        if cut:
            yield Block(number, start, buffer[:cut])
            start, buffer = start + cut, buffer[cut:]
        if not more:
            return
