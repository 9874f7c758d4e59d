"""An incremental scanner for JSON of any layout. It works on a buffer, so the file is never in memory as a whole.

The scanner finds where values begin and end and returns their bytes; it does not decode them. Unlike a JSON parser it
accepts values with invalid content, such as the faults that `json_repair` repairs, if quotes and brackets match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autocakechat.plugins.sources.telegram.parsing.byte_buffer import CHUNK_SIZE, MAX_VALUE_SIZE, ByteBuffer

# All quantifiers are possessive (`*+`): a failed match takes linear time.
_BLANK = re.compile(rb"[\s\xef\xbb\xbf]*+")  # white space and byte order marks
_QUOTED = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NO_BRACKET = rb'[^"{}\[\]]*+(?:' + _QUOTED + rb'[^"{}\[\]]*+)*+'
_STRING = re.compile(_QUOTED, re.DOTALL)
_SCALAR = re.compile(rb'[^\s,\]}"\[{][^,\]}\n]*+')
_NEXT_BRACKET = re.compile(_NO_BRACKET + rb"([{}\[\]])", re.DOTALL)
_OPENING = b"{["


def _container_pattern(depth: int) -> bytes:
    """Returns a pattern for an object or array that contains at most `depth` levels of others."""
    pattern = rb"[{\[]" + _NO_BRACKET + rb"[}\]]"
    for _ in range(depth):
        pattern = rb"[{\[]" + _NO_BRACKET + rb"(?:" + pattern + _NO_BRACKET + rb")*+[}\]]"
    return pattern


# No message is nested deeper than this. Matching a message as a whole is much faster than counting its brackets.
_MESSAGE_DEPTH = 5
_CONTAINER = re.compile(_container_pattern(_MESSAGE_DEPTH), re.DOTALL)
_ELEMENT = re.compile(rb"\s*+(" + _container_pattern(_MESSAGE_DEPTH) + rb")\s*+,", re.DOTALL)
_MAX_DEPTH = 1000
# For values that do not fit into memory: up to the next quote or bracket, and up to the end of a string.
_OUTSIDE_STRING = re.compile(rb'[^"{}\[\]]*+')
_INSIDE_STRING = re.compile(rb'(?:[^"\\]|\\.)*+', re.DOTALL)

TOO_LARGE = b'{"type":"too large"}'
"""What `JsonScanner.array_values` yields for an element that is larger than `MAX_VALUE_SIZE`."""


class TruncatedJsonError(Exception):
    """The file ends inside a value."""


class InvalidJsonError(Exception):
    """The file is not JSON.

    Args:
        offset: File offset of the error.
    """

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class _TooLargeError(InvalidJsonError):
    """A value does not fit into memory."""


class JsonScanner:
    """Scans JSON from a buffer.

    Every method raises `TruncatedJsonError` at the end of the file and `InvalidJsonError` at a syntax error.

    Args:
        buffer: The bytes. Only the scanner may use the buffer while scanning.

    Attributes:
        complete_until: File offset after the last complete message. Set by the caller.
    """

    def __init__(self, buffer: ByteBuffer) -> None:
        self._buffer = buffer
        self._position = 0
        buffer.discard_consumed()
        self.complete_until = buffer.offset

    @property
    def offset(self) -> int:
        """The current file offset."""
        return self._buffer.offset + self._position

    def peek(self) -> bytes:
        """Skips white space and returns the next byte without consuming it."""
        if self._position > CHUNK_SIZE:
            self._discard_consumed()
        while True:
            blank = _BLANK.match(self._buffer.data, self._position)
            assert blank is not None
            self._position = blank.end()
            if self._position < len(self._buffer.data):
                return self._buffer.data[self._position : self._position + 1]
            self._discard_consumed()
            self._read_chunk()

    def advance(self) -> None:
        """Consumes one byte."""
        self._position += 1

    def object_keys(self) -> Iterator[str]:
        """Yields the keys of an object whose opening brace is consumed. The caller consumes the value of each key."""
        for _ in self._items(b"}"):
            if self.peek() != b'"':
                raise InvalidJsonError(self.offset)
            key = self.read_value()
            if self.peek() != b":":
                raise InvalidJsonError(self.offset)
            self.advance()
            yield key[1:-1].decode("utf-8", "replace")

    def array_elements(self) -> Iterator[None]:
        """Iterates over an array whose opening bracket is consumed. The caller consumes each element."""
        return self._items(b"]")

    def array_values(self) -> Iterator[bytes]:
        """Yields the elements of an array whose opening bracket is consumed; `TOO_LARGE` for one that is too large."""
        for _ in self._items(b"]"):
            while element := _ELEMENT.match(self._buffer.data, self._position):
                self._position = element.end()
                yield element[1]
                if self._position > CHUNK_SIZE:
                    self._discard_consumed()
            if self.peek() == b"]":
                raise InvalidJsonError(self.offset)  # a comma before the closing bracket
            first, start = self.peek(), self._position
            try:
                self._consume_value(first)
            except _TooLargeError:
                self._position = start
                self._skip_large()
                yield TOO_LARGE
            else:
                yield self._buffer.data[start : self._position]

    def skip_value(self) -> None:
        """Consumes a value of any size."""
        if self.peek() in (b'"', b"{", b"["):
            self._skip_large()
        else:
            self._consume(_SCALAR)

    def read_value(self) -> bytes:
        """Consumes a value and returns its bytes."""
        first = self.peek()
        start = self._position
        self._consume_value(first)
        return self._buffer.data[start : self._position]

    def _items(self, closing: bytes) -> Iterator[None]:
        """Iterates over the items of an object or array, consuming the commas and the closing bracket."""
        if self.peek() == closing:
            self.advance()
            return
        while True:
            if self.peek() == closing:
                raise InvalidJsonError(self.offset)  # a comma before the closing bracket
            yield
            separator = self.peek()
            if separator not in (b",", closing):
                raise InvalidJsonError(self.offset)
            self.advance()
            if separator == closing:
                return

    def _consume_value(self, first: bytes) -> None:
        """Consumes a value, which stays in the buffer.

        Args:
            first: Its first byte.
        """
        if first not in _OPENING:
            self._consume(_STRING if first == b'"' else _SCALAR)
        elif container := _CONTAINER.match(self._buffer.data, self._position):
            self._position = container.end()
        else:
            self._consume_container()

    def _consume_container(self) -> None:
        """Consumes an object or array that is nested deeply or extends beyond the buffer, bracket by bracket."""
        depth, start = 0, self._position
        while True:
            bracket = self._consume(_NEXT_BRACKET)[1]
            depth += 1 if bracket in _OPENING else -1
            if depth == 0:
                return
            if depth > _MAX_DEPTH:
                raise InvalidJsonError(self.offset)
            if self._position - start > MAX_VALUE_SIZE:
                raise _TooLargeError(self.offset)

    def _skip_large(self) -> None:
        """Consumes a string, an object or an array of any size; only a chunk of it is in memory."""
        depth, in_string = 0, False
        while True:
            match = (_INSIDE_STRING if in_string else _OUTSIDE_STRING).match(self._buffer.data, self._position)
            assert match is not None
            self._position = match.end()
            if self._position > CHUNK_SIZE:
                self._discard_consumed()
            delimiter = self._buffer.data[self._position : self._position + 1]
            if delimiter in (b"", b"\\"):  # the buffer ends here, perhaps in an escape sequence
                self._read_chunk()
                continue
            self._position += 1
            if delimiter == b'"':
                in_string = not in_string
            else:
                depth += 1 if delimiter in _OPENING else -1
            if depth > _MAX_DEPTH:
                raise InvalidJsonError(self.offset)
            if depth == 0 and not in_string:
                return

    def _consume(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        """Consumes a match of a pattern; reads more of the file as long as the match may continue there."""
        while True:
            match = pattern.match(self._buffer.data, self._position)
            # A scalar has no closing delimiter: one that ends with the buffer may continue in the next chunk.
            if match and (match.end() < len(self._buffer.data) or pattern is not _SCALAR):
                self._position = match.end()
                return match
            if not match and pattern is _SCALAR:
                raise InvalidJsonError(self.offset)
            if len(self._buffer.data) - self._position > MAX_VALUE_SIZE:
                raise _TooLargeError(self.offset)
            self._read_chunk()

    def _discard_consumed(self) -> None:
        self._buffer.position, self._position = self._position, 0
        self._buffer.discard_consumed()

    def _read_chunk(self) -> None:
        if not self._buffer.read_chunk():
            raise TruncatedJsonError
