"""Finds the messages of each chat in files whose lines may belong to any chat, in any order."""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from operator import attrgetter
from typing import BinaryIO, NamedTuple

import attrs

from autocakechat.plugins.sources.records.records import InvalidRecordError, RecordKey, parse_key

MAX_LINE = 1 << 24  # bytes; a longer line is read in parts, which are not messages
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
        files: The files, at their beginnings.
        parse_time: Parses a time.
        advance: Called with a number of bytes that were read.
    """
    chats: dict[str, IndexedChat] = {}
    for number, file in enumerate(files):
        _index_file(number, file, chats, parse_time, advance)
    return list(chats.values())


def _index_file(
    number: int, file: BinaryIO, chats: dict[str, IndexedChat], parse_time: ParseTime, advance: Callable[[int], None]
) -> None:
    """Finds the runs of one file. A line that is not a message belongs to the run before it, or else to the first.

    The lines of a file without any message form a separate chat, so that they are counted.
    """
    chat: IndexedChat | None = None
    has_text = False
    start = offset = first = last = shown = 0
    for line in lines_of(file):
        begin, offset = offset, offset + len(line)
        if offset - shown > MAX_LINE >> 4:
            advance(offset - shown)
            shown = offset
        try:
            key = parse_key(line)
            sent = parse_time(key.time)
        except InvalidRecordError:
            has_text = has_text or not line.isspace()
            continue
        id_ = str(key.chat)
        if chat is None or id_ != chat.id or sent < last:
            if chat is not None:
                chat.add(Run(first, last, number, start, begin))
                start = begin
            chat = chats.get(id_) or chats.setdefault(id_, IndexedChat(id_))
            first = sent
        if key.title or key.chat_kind or key.skip:
            chat.describe(key)
        last = sent
    if chat is None and has_text:
        chat = chats.setdefault(_DAMAGED, IndexedChat(_DAMAGED, "lines that are not messages"))
    if chat is not None:
        chat.add(Run(first, last, number, start, offset))
    advance(offset - shown)


def lines_in_order(chat: IndexedChat, files: Sequence[BinaryIO], parse_time: ParseTime) -> Iterator[Line]:
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
            yield from _lines_of_run(run, files)
        return
    places = []
    for run in runs:
        sent = run.first
        for line in _lines_of_run(run, files):
            with contextlib.suppress(InvalidRecordError):  # a damaged line has the time of the line before it
                sent = parse_time(parse_key(line.content).time)
            places.append((sent, line.file, line.offset))
    places.sort()
    for _, number, offset in places:
        files[number].seek(offset)
        yield Line(number, offset, files[number].readline(MAX_LINE))


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Yields the lines of a file from its position on; a very long line in parts."""
    return iter(partial(file.readline, MAX_LINE), b"")


def _lines_of_run(run: Run, files: Sequence[BinaryIO]) -> Iterator[Line]:
    offset = run.start
    files[run.file].seek(offset)
    for content in lines_of(files[run.file]):
        yield Line(run.file, offset, content)
        offset += len(content)
        if offset >= run.end:
            return
