"""Reads text files in which a header begins each message, most messages at once.

A regular expression splits a block of the file at its headers. The parts of headers repeat, so each is parsed once: the
hour of a date, the time since the hour, the sender. Messages that are more than text are made one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain
from operator import add
from typing import Any, NamedTuple, Protocol, TypeVar

import attrs
from msgspec import structs

from autocakechat import Chat, LogFile, Message, MessageBatch
from autocakechat_messengers.content import damaged
from autocakechat_messengers.files import ExportFiles
from autocakechat_messengers.participants import kind_of_chat
from autocakechat_messengers.text_blocks import MAX_BLOCK, open_text

_CHUNK = 1 << 15  # characters
_MAX_CACHED = 50_000
T = TypeVar("T")


class Sender(NamedTuple):
    """The sender of a message: the values of three columns."""

    id: str
    name: str
    outgoing: bool | None = None


_NO_SENDER = Sender("", "")


class Converter(Protocol):
    """Makes the messages of one chat, in order."""

    def strip(self, texts: Sequence[str]) -> list[str | None]:
        """Returns the texts of messages without the line breaks around; None for what may be more than text."""

    def make_message(self, block: str, number: int) -> Message:
        """Makes a message that may be more than text.

        Args:
            block: The message as it is written in the file.
            number: Its number in the chat.

        Raises:
            ValueError: The block is damaged.
        """

    def remember(self, texts: Sequence[str], first: int) -> None:
        """Remembers messages that are only text, for later replies.

        Args:
            texts: Their texts.
            first: The number of the first one in the chat.
        """


@attrs.frozen
class TextForm:
    """How messages are written in a file.

    Attributes:
        separator: The line breaks before a header.
        header: A line break and a header. The groups follow one another: the date with the hour, the rest of the time,
            an addition, and the sender. A message that may be more than text may have no sender.
        sender: A line break and a header in bytes; its group is the sender.
        parse_hour: Takes the first group and returns seconds since 1970; raises ValueError if it is not a time.
        parse_time: Takes the second group and returns seconds since the hour; raises ValueError if it is not a time.
        parse_sender: Takes the fourth group.
        title: Returns the title of a chat.
        converter: Makes a converter for a chat.
    """

    separator: str
    header: re.Pattern[str]
    sender: re.Pattern[bytes]
    parse_hour: Callable[[str], int]
    parse_time: Callable[[str], int]
    parse_sender: Callable[[str], Sender]
    title: Callable[[LogFile], str]
    converter: Callable[[], Converter]

    def read(self, chats: Sequence[LogFile], files: ExportFiles, advance: Callable[[int], None]) -> Iterator[Chat]:
        """Yields the chats.

        Args:
            chats: A file for each.
            files: All files of the export.
            advance: Called with a number of characters that were read.
        """
        for file in chats:
            kind = kind_of_chat(file, files, self.sender)
            batches = _Reader(self).read(self._split(file, files, advance))
            yield Chat.of_batches(files.names[file], self.title(file), kind, batches)

    def _split(self, file: LogFile, files: ExportFiles, advance: Callable[[int], None]) -> Iterator[_Pieces]:
        """Yields the blocks of a file, which end before a separator, so that no header is cut."""
        with open_text(file, files) as text:
            buffer = self.separator
            while more := text.read(max(_CHUNK, len(buffer))):
                advance(len(more))
                buffer += more
                end = buffer.rfind(self.separator)
                if end <= 0 and len(buffer) > MAX_BLOCK:
                    end = len(buffer)
                if end > 0:
                    yield self._split_block(buffer[:end])
                    buffer = buffer[end:]
            yield self._split_block(buffer)

    def _split_block(self, block: str) -> _Pieces:
        parts = [None, None, None, None, *self.header.split(block)]
        return _Pieces(parts[::5], parts[1::5], parts[2::5], parts[3::5], parts[4::5])


class _Pieces(NamedTuple):
    """Consecutive messages, by column: the groups of `TextForm.header`, which may be None, and the rest of each."""

    hours: list[Any]
    times: list[Any]
    additions: list[Any]
    senders: list[Any]
    texts: list[Any]

    def source(self, index: int) -> str:
        """Returns a message as it is written in the file, without the line break after it."""
        return "".join(column[index] or "" for column in self)

    def split(self, index: int) -> tuple[_Pieces, _Pieces]:
        """Returns the messages before an index, and the others."""
        return _Pieces(*(column[:index] for column in self)), _Pieces(*(column[index:] for column in self))


class _Cache(dict[Any, T]):
    """Results of a function, by its argument. The result for None is `missing`."""

    def __init__(self, function: Callable[[str], T], missing: T) -> None:
        self._function = function
        self[None] = self._missing = missing

    def __missing__(self, argument: str) -> T:
        if len(self) > _MAX_CACHED:
            self.clear()
            self[None] = self._missing
        result = self[argument] = self._function(argument)
        return result


class _Reader:
    """Makes the messages of a chat.

    Args:
        form: How they are written.
    """

    def __init__(self, form: TextForm) -> None:
        self._converter = form.converter()
        self._hours = _Cache(form.parse_hour, 0)
        self._times = _Cache(form.parse_time, 0)
        self._senders = _Cache(form.parse_sender, _NO_SENDER)
        self._number = 0
        self._sent = 0
        self._line_break = "\n"  # after a message; not after the last one

    def read(self, blocks: Iterable[_Pieces]) -> Iterator[MessageBatch]:
        """Yields the messages of blocks. The first piece of a block continues the last one of the block before."""
        last = _Pieces([None], [None], [None], [None], [""])
        for block in blocks:
            last.texts[0] += block.texts[0]
            if len(block.texts) == 1 and len(last.texts[0]) <= MAX_BLOCK:
                continue
            headless, complete = last.split(0 if last.hours[0] else 1)
            _, new = block.split(1)
            new, last = new.split(-1) if new.texts else (new, _Pieces([None], [None], [None], [None], [""]))
            yield from self._batches(headless)
            yield from self._batches(_Pieces(*map(add, complete, new)))
        self._line_break = ""
        yield from self._batches(last)

    def _batches(self, pieces: _Pieces) -> Iterator[MessageBatch]:
        """Yields a batch, if there are messages; a blank text before the first header is none."""
        if any(pieces.hours) or any(map(str.strip, pieces.texts)):
            yield self._make_batch(pieces)

    def _make_batch(self, pieces: _Pieces) -> MessageBatch:
        size = len(pieces.texts)
        texts: list[Any]
        try:
            hours, times = map(self._hours.__getitem__, pieces.hours), map(self._times.__getitem__, pieces.times)
            sent = list(map(add, hours, times))
            texts = self._converter.strip(pieces.texts)
        except ValueError:
            sent, texts = [0] * size, [None] * size
        senders, names, outgoing = map(list, zip(*map(self._senders.__getitem__, pieces.senders), strict=True))
        numbers = list(range(self._number, self._number + size))
        replies, kinds, own_words = [None] * size, ["text"] * size, [True] * size
        columns: list[list[Any]] = [numbers, senders, names, texts, sent, replies, kinds, own_words, outgoing]
        self._make_others(pieces, columns)
        self._number += size
        if sent[0] < self._sent or sent != sorted(sent):
            sent[:] = accumulate(chain((max(self._sent, sent[0]),), sent[1:]), max)
        self._sent = sent[-1]
        return MessageBatch(*columns)

    def _make_others(self, pieces: _Pieces, columns: list[list[Any]]) -> None:
        """Makes the messages that may be more than text, and puts them into the columns of a batch."""
        texts, end = columns[3], 0
        if None in texts or not all(pieces.senders):
            for index, (text, sender) in enumerate(zip(tuple(texts), pieces.senders, strict=True)):
                if text is not None and sender:
                    continue
                self._converter.remember(texts[end:index], self._number + end)
                end = index + 1
                try:
                    block = pieces.source(index) + self._line_break
                    message = self._converter.make_message(block, self._number + index)
                except ValueError:
                    message = damaged(self._number + index, 0)  # it gets the time of the message before
                for column, value in zip(columns, structs.astuple(message), strict=False):
                    column[index] = value
        self._converter.remember(texts[end:], self._number + end)
