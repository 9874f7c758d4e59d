"""Reads a list in a large JSON file, value by value."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

_CHUNK = 1 << 16  # bytes
_MAX_VALUE = 1 << 24  # characters; no message is larger
_SPACE = re.compile(r"[ \t\r\n]*")


class InvalidJsonError(Exception):
    """The file ends early, or is not JSON from some place on."""


class JsonList:
    """A list in a file: the whole file, or the value of a key of the object that is the file.

    Args:
        file: The file, at its beginning.
        key: The key of the list, if the file is an object.
        advance: Called with a number of bytes that were read.

    Attributes:
        header: The values of the object before the list.

    Raises:
        InvalidJsonError: There is no such list.
    """

    def __init__(self, file: BinaryIO, key: str, advance: Callable[[int], None] = lambda _: None) -> None:
        self.header: dict[str, Any] = {}
        self._advance = advance
        self._file = file
        self._to_text = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._text = ""
        self._position = 0
        self._decode = json.JSONDecoder(strict=False).raw_decode
        self._find(key)

    def __iter__(self) -> Iterator[Any]:
        """Yields the values of the list.

        Raises:
            InvalidJsonError: The list ends early.
        """
        while True:
            character = self._next()
            if character == "]":
                return
            if character == ",":
                self._position += 1
            else:
                yield self._value()

    def _find(self, key: str) -> None:
        if self._next() == "[":
            self._position += 1
            return
        self._expect("{")
        while True:
            name = self._value()
            self._expect(":")
            if name == key and self._next() == "[":
                self._position += 1
                return
            self.header[str(name)] = self._value()
            self._expect(",")

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise InvalidJsonError(f"{character!r} is missing")
        self._position += 1

    def _next(self) -> str:
        """Skips white space and returns the next character.

        Raises:
            InvalidJsonError: There is none.
        """
        while True:
            match = _SPACE.match(self._text, self._position)
            assert match
            self._position = match.end()
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._fill():
                raise InvalidJsonError("the end of the file is missing")

    def _value(self) -> Any:
        while True:
            try:
                self._next()
                value, end = self._decode(self._text, self._position)
            except (ValueError, RecursionError):
                if len(self._text) - self._position > _MAX_VALUE or not self._fill():
                    raise InvalidJsonError("a value is not complete") from None
            else:
                if end == len(self._text) and self._fill():
                    continue  # a number may go on
                self._position = end
                return value

    def _fill(self) -> bool:
        """Reads more; what is not consumed at least doubles, so that large values are not decoded too often."""
        more = self._file.read(max(_CHUNK, len(self._text) - self._position))
        self._text = self._text[self._position :] + self._to_text(more, final=not more)
        self._position = 0
        self._advance(len(more))
        return bool(more)
