"""Reads exports in any other layout: minified, indented otherwise, keys in another order.

Looks at every bracket, so it takes longer than `layout`; a file that Telegram Desktop wrote does not need it.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import msgspec

from autocakechat.plugins.sources.telegram.byte_buffer import BLOCK, Feed, Header, Portion
from autocakechat.plugins.sources.telegram.json_repair import mend
from autocakechat.plugins.sources.telegram.json_walker import BrokenJsonError, CutOffError, Walker
from autocakechat.plugins.sources.telegram.raw_messages import Batch, batch_of, decode


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
    walker = Walker(feed)
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
    walker = Walker(feed)
    waiting: list[bytes] = []
    size = 0
    try:
        for message in walker.values():
            waiting.append(message)
            walker.whole_until = walker.place
            size += len(message)
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
    return batch_of(decode(together), len(together), lambda: messages)


def _survey_top(walker: Walker, contents: Contents) -> None:
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


def _survey_section(walker: Walker, contents: Contents) -> None:
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


def _survey_list(walker: Walker, contents: Contents) -> None:
    walker.step()
    for _ in walker.each_element():
        if walker.peek() != b"{":
            walker.skip()
            continue
        walker.step()
        chat = Header()
        for key in walker.each_key():
            _survey_chat_key(walker, key, chat, contents)


def _survey_chat_key(walker: Walker, key: str, chat: Header, contents: Contents) -> None:
    if key == "messages" and walker.peek() == b"[":
        contents.has_list = True
        walker.step()
        contents.chats.append((chat, walker.place))
        for _ in walker.values():
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
