"""Writes chats as JSON Lines, one message a line, while they are read: the format of the source `jsonl`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from autocakechat.errors import UserError
from autocakechat.files import writing_whole
from autocakechat.interface.chatlog import Chat, Message, MessageBatch
from autocakechat.text import repair_surrogates


class _Line(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A message; values that are the default are left out. The first line of a chat describes the chat."""

    chat: str
    id: int | None = None
    sender: str
    name: str | None = None
    time: int
    text: str
    reply_to: int | None = None
    own_words: bool = True
    kind: str = "text"
    outgoing: bool | None = None
    label: str | None = None
    topic: str = ""
    title: str | None = None
    chat_kind: str | None = None
    skip: str | None = None


@contextmanager
def writing(path: Path) -> Iterator[Callable[[Chat], None]]:
    """Opens a file for writing chats. The file appears when all of them are written.

    Args:
        path: The file. If it exists, it is replaced.

    Yields:
        A function that makes a chat write its messages while it is read.

    Raises:
        UserError: The file cannot be written.
    """
    try:
        with writing_whole(path) as file:
            yield partial(_write_while_read, file)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", "nothing was written") from None


def _write_while_read(file: BinaryIO, chat: Chat) -> None:
    chat.tap(partial(_write_batches, file, chat))


def _write_batches(file: BinaryIO, chat: Chat, batches: Iterator[MessageBatch]) -> Iterator[MessageBatch]:
    encode = msgspec.json.Encoder().encode
    about_chat = {"title": chat.title, "chat_kind": chat.kind, "skip": chat.skip}
    for batch in batches:
        for message in batch:
            line = _make_line(chat, message, **about_chat)
            about_chat = {}
            try:
                encoded = encode(line)
            except UnicodeEncodeError:  # a lone surrogate
                values = msgspec.structs.asdict(line)
                repaired: dict[str, Any] = {
                    key: repair_surrogates(value) if isinstance(value, str) else value for key, value in values.items()
                }
                encoded = encode(_Line(**repaired))
            file.write(encoded + b"\n")
        yield batch


def _make_line(chat: Chat, message: Message, **about_chat: str | None) -> _Line:
    return _Line(
        chat=chat.id,
        id=message.id,
        sender=message.sender,
        name=message.sender_name,
        time=message.sent,
        text=message.text,
        reply_to=message.reply_to,
        own_words=message.own_words,
        kind=message.kind,
        outgoing=message.outgoing,
        label=message.label,
        topic=message.topic,
        **about_chat,
    )
