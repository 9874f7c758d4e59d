"""Reads exports in any other layout: minified, indented otherwise, keys in another order.

Looks at every bracket, so it takes longer than `layout`; a file that Telegram Desktop wrote does not need it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs
import msgspec

from autocakechat.plugins.sources.telegram.feed import BLOCK, TOO_LONG, Feed, Header, Portion
from autocakechat.plugins.sources.telegram.mending import mend
from autocakechat.plugins.sources.telegram.records import Batch, decode, decode_carefully

_BLANK = re.compile(rb"[\s\xef\xbb\xbf]*+")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,\]}"\[{][^,\]}\n]*+')
_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]|\\.)*+"[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)
_OPENING = b"{["


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


@attrs.define
class Contents:
    """What a file holds.

    Attributes:
        chats: The header of each chat and where its messages begin.
        owner: Id of whom the account belongs to, if the file tells.
        left_over: How many bytes at the end are of no use because the file is cut off; None if it is whole.
        has_list: Whether there is a list of chats or messages at all.
    """

    chats: list[tuple[Header, int]] = attrs.Factory(list)
    owner: int | None = None
    left_over: int | None = None
    has_list: bool = False


def survey(feed: Feed) -> Contents:
    """Looks through a whole file for its chats.

    Args:
        feed: The file, at its beginning.

    Returns:
        What it holds, as far as the file goes.

    Raises:
        BrokenJsonError: The file is no JSON.
    """
    contents = Contents()
    walker = _Walker(feed)
    try:
        _survey_top(walker, contents)
    except CutOffError:
        contents.left_over = feed.size - walker.whole_until
    return contents


def portions(feed: Feed, contents: Contents) -> Iterator[Portion]:
    """Reads the chats that a survey found."""
    for header, offset in contents.chats:
        feed.seek(offset)
        yield Portion(header, messages(feed), offset, messages)


def messages(feed: Feed) -> Iterator[Batch]:
    """Reads messages one by one.

    Args:
        feed: A file inside a list of messages, before one of them or at the end of the list.

    Yields:
        Every whole message.
    """
    walker = _Walker(feed)
    waiting: list[bytes] = []
    size = 0
    try:
        for _ in walker.each_element():
            waiting.append(walker.value())
            walker.whole_until = walker.place
            size += len(waiting[-1])
            if size >= BLOCK:
                yield _batch(waiting)
                waiting, size = [], 0
    except (CutOffError, BrokenJsonError):
        feed.left_over = feed.size - walker.whole_until
        feed.seek(feed.size)
    else:
        feed.seek(walker.place)
    yield _batch(waiting)


def _batch(messages: list[bytes]) -> Batch:
    together = b",".join(messages)
    records = decode(together)
    if records is None:
        records = [record for message in messages for record in decode_carefully(message)]
    return Batch(records, len(together))


def _survey_top(walker: _Walker, contents: Contents) -> None:
    chat = Header()
    if walker.peek() != b"{":
        raise BrokenJsonError(walker.place)
    walker.step()
    for key in walker.each_key():
        if key == "personal_information":
            contents.owner = _user_id(walker.value())
        elif key in ("chats", "left_chats"):
            contents.has_list = True
            _survey_section(walker, contents)
        else:
            _survey_chat_key(walker, key, chat, contents)


def _survey_section(walker: _Walker, contents: Contents) -> None:
    opening = walker.peek()
    if opening == b"[":
        _survey_list(walker, contents)
    elif opening == b"{":
        walker.step()
        for key in walker.each_key():
            if key == "list" and walker.peek() == b"[":
                _survey_list(walker, contents)
            else:
                walker.skip()
    else:
        walker.skip()


def _survey_list(walker: _Walker, contents: Contents) -> None:
    walker.step()
    for _ in walker.each_element():
        if walker.peek() != b"{":
            walker.skip()
            continue
        walker.step()
        chat = Header()
        for key in walker.each_key():
            _survey_chat_key(walker, key, chat, contents)


def _survey_chat_key(walker: _Walker, key: str, chat: Header, contents: Contents) -> None:
    if key == "messages" and walker.peek() == b"[":
        contents.has_list = True
        walker.step()
        contents.chats.append((chat, walker.place))
        for _ in walker.each_element():
            walker.skip()
            walker.whole_until = walker.place
    elif key in ("name", "type", "id"):
        _set(chat, key, walker.value())
    else:
        walker.skip()


def _set(chat: Header, key: str, value: bytes) -> None:
    try:
        setattr(chat, key, getattr(msgspec.json.decode(b'{"%s":%s}' % (key.encode(), mend(value)), type=Header), key))
    except msgspec.MsgspecError:
        return


def _user_id(personal_information: bytes) -> int | None:
    try:
        values = msgspec.json.decode(mend(personal_information))
    except msgspec.MsgspecError:
        return None
    user_id = values.get("user_id") if isinstance(values, dict) else None
    return user_id if isinstance(user_id, int) else None


class _Walker:
    """Walks through JSON that need not be in memory as a whole."""

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
        depth, start = 0, self._at
        while True:
            bracket = self._match(_BRACKET)[1]
            depth += 1 if bracket in _OPENING else -1
            if depth == 0:
                return
            if not drop_every and self._at - start > TOO_LONG:
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
