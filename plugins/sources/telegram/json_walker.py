"""Goes through JSON of any layout, bracket by bracket, without having it in memory as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autocakechat.plugins.sources.telegram.byte_buffer import BLOCK, TOO_LONG, Feed

_BLANK = re.compile(rb"[\s\xef\xbb\xbf]*+")
_QUOTED = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT = rb'[^"{}\[\]]*+(?:' + _QUOTED + rb'[^"{}\[\]]*+)*+'
_STRING = re.compile(_QUOTED, re.DOTALL)
_SCALAR = re.compile(rb'[^\s,\]}"\[{][^,\]}\n]*+')
_BRACKET = re.compile(_FLAT + rb"([{}\[\]])", re.DOTALL)
_OPENING = b"{["


def _nested(levels: int) -> bytes:
    """Returns a pattern of an object or a list with no more than so many levels of others in it."""
    pattern = rb"[{\[]" + _FLAT + rb"[}\]]"
    for _ in range(levels):
        pattern = rb"[{\[]" + _FLAT + rb"(?:" + pattern + _FLAT + rb")*+[}\]]"
    return pattern


# Messages hold no more levels than this. Matching one as a whole is much faster than going from bracket to bracket.
_CONTAINER = re.compile(_nested(5), re.DOTALL)
_ELEMENT = re.compile(rb"\s*+(" + _nested(5) + rb")\s*+,", re.DOTALL)
_DEEPEST = 1000


class CutOffError(Exception):
    """The file ends in the middle of something."""


class BrokenJsonError(Exception):
    """This is not JSON.

    Args:
        offset: Where in the file.
    """

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Walker:
    """Walks through JSON that need not be in memory as a whole.

    Args:
        feed: The bytes; nobody else must use it meanwhile.

    Attributes:
        whole_until: Where in the file the last whole message ended. Set by whoever knows what a message is.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._at = 0
        feed.forget()
        self.whole_until = feed.offset

    @property
    def place(self) -> int:
        """Where in the file the walker stands."""
        return self._feed.offset + self._at

    def peek(self) -> bytes:
        """Returns the next byte that is not blank."""
        if self._at > BLOCK:
            self._forget()
        while True:
            blank = _BLANK.match(self._feed.data, self._at)
            assert blank is not None
            self._at = blank.end()
            if self._at < len(self._feed.data):
                return self._feed.data[self._at : self._at + 1]
            self._forget()
            self._read_on()

    def step(self) -> None:
        """Goes past the byte that was seen."""
        self._at += 1

    def each_key(self) -> Iterator[str]:
        """Goes through the keys of an object whose brace is passed; each value must be walked over by the caller."""
        for _ in self._items(b"}"):
            if self.peek() != b'"':
                raise BrokenJsonError(self.place)
            key = self.value()
            if self.peek() != b":":
                raise BrokenJsonError(self.place)
            self.step()
            yield key[1:-1].decode("utf-8", "replace")

    def each_element(self) -> Iterator[None]:
        """Goes through the elements of a list whose bracket is passed; the caller must walk over each."""
        return self._items(b"]")

    def values(self) -> Iterator[bytes]:
        """Returns the elements of a list whose bracket is passed."""
        for _ in self._items(b"]"):
            while found := _ELEMENT.match(self._feed.data, self._at):
                self._at = found.end()
                yield found[1]
                if self._at > BLOCK:
                    self._forget()
            if self.peek() == b"]":
                raise BrokenJsonError(self.place)
            yield self.value()

    def _items(self, end: bytes) -> Iterator[None]:
        if self.peek() == end:
            self.step()
            return
        while True:
            if self.peek() == end:
                raise BrokenJsonError(self.place)
            yield
            separator = self.peek()
            if separator not in (b",", end):
                raise BrokenJsonError(self.place)
            self.step()
            if separator == end:
                return

    def skip(self) -> None:
        """Goes past a value."""
        self._pass(self.peek(), drop_every=BLOCK)

    def value(self) -> bytes:
        """Goes past a value and returns it."""
        first = self.peek()
        start = self._at
        self._pass(first)
        return self._feed.data[start : self._at]

    def _pass(self, first: bytes, drop_every: int | None = None) -> None:
        if first not in _OPENING:
            self._match(_STRING if first == b'"' else _SCALAR)
            return
        if found := _CONTAINER.match(self._feed.data, self._at):
            self._at = found.end()
            return
        depth, start = 0, self._at
        while True:
            bracket = self._match(_BRACKET)[1]
            depth += 1 if bracket in _OPENING else -1
            if depth == 0:
                return
            if depth > _DEEPEST or (not drop_every and self._at - start > TOO_LONG):
                raise BrokenJsonError(self.place)
            if drop_every and self._at > drop_every:
                self._forget()

    def _match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        """Goes past what a pattern matches, reading on as long as the match may go on."""
        while True:
            found = pattern.match(self._feed.data, self._at)
            if found and (found.end() < len(self._feed.data) or pattern is not _SCALAR):
                self._at = found.end()
                return found
            if not found and pattern is _SCALAR:
                raise BrokenJsonError(self.place)
            if len(self._feed.data) - self._at > TOO_LONG:
                raise BrokenJsonError(self.place)
            self._read_on()

    def _forget(self) -> None:
        self._feed.at, self._at = self._at, 0
        self._feed.forget()

    def _read_on(self) -> None:
        if not self._feed.more():
            raise CutOffError
