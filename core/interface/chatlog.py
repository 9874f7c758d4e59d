"""Chat logs as sources hand them on: messages, chats, and what became of every message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import NamedTuple

import msgspec
from msgspec import structs

from autocakechat.interface.deprecation import deprecated, warn_deprecated

_BATCH = 256
_NOWHERE = -1


# A struct, not an attrs class: millions are made, and an immutable attrs object takes five times as long to make.
class Message(msgspec.Struct, gc=False):
    """One message of a chat.

    Attributes:
        id: The message's number in its chat.
        sender: Id of who sent it, the same in every chat; empty if nobody did.
        sender_name: The name shown with it, if any. Names are for showing, never for matching.
        text: What was written; empty where there was only a picture, a call and the like.
        sent: When it was sent, in seconds since 1970, UTC.
        reply_to: `id` of the message of the same chat that this one replies to.
        kind: `text`, or what it is instead or besides: `photo`, `sticker`, `voice message`, `service: phone_call`.
        own_words: False for text that the sender did not write, such as a forward or a bot's.
        outgoing: Whether the owner of the log sent it; None where the log does not tell.
        position: The message's place among those read of its chat, from 0. Set by the chat.
    """

    id: int
    sender: str
    sender_name: str | None
    text: str
    sent: int
    reply_to: int | None = None
    kind: str = "text"
    own_words: bool = True
    outgoing: bool | None = None
    position: int = _NOWHERE


class MessageBatch(msgspec.Struct, gc=False, array_like=True):
    """Some consecutive messages of a chat, attribute by attribute: the n-th value of each is that of the n-th message.

    What is done to a whole column takes a fraction of the time that it takes message by message.

    Attributes:
        ids: `id` of each message, and so on.
        senders: `sender`.
        sender_names: `sender_name`.
        texts: `text`.
        sent: `sent`.
        reply_to: `reply_to`.
        kinds: `kind`.
        own_words: `own_words`.
        outgoing: `outgoing`.
        positions: `position`; empty until the chat has set them.
    """

    ids: Sequence[int]
    senders: Sequence[str]
    sender_names: Sequence[str | None]
    texts: Sequence[str]
    sent: Sequence[int]
    reply_to: Sequence[int | None]
    kinds: Sequence[str]
    own_words: Sequence[bool]
    outgoing: Sequence[bool | None]
    positions: Sequence[int] = ()

    @classmethod
    def of(cls, messages: Sequence[Message]) -> MessageBatch:
        """Takes messages apart.

        Args:
            messages: One at least.

        Raises:
            TypeError: One of them is no message.
        """
        for message in messages:
            if not isinstance(message, Message):
                raise TypeError(f"a chat holds {type(message).__name__}, which is no Message")
        columns = zip(*map(structs.astuple, messages), strict=False)  # a subclass may have more attributes
        return cls(*islice(columns, len(cls.__struct_fields__)))

    @classmethod
    def in_batches(cls, messages: Iterable[Message]) -> Iterator[MessageBatch]:
        """Takes a stream of messages apart, some hundred at a time."""
        messages = iter(messages)
        while batch := list(islice(messages, _BATCH)):
            yield cls.of(batch)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Message]:
        """Puts the messages together again, one after the other."""
        *columns, positions = structs.astuple(self)
        return map(Message, *columns, positions or repeat(_NOWHERE))


class Tally(NamedTuple):
    """How many messages were read, and what became of them."""

    read: int
    kept: int
    dropped: dict[str, int]
    unsettled: int


class Ledger:
    """What became of every message of a chat, one byte a message.

    A message is kept when its text stands in a written dialog, otherwise dropped for the first reason given.

    Attributes:
        notes: What else is worth knowing, and how often it happened.
    """

    _UNSETTLED = 0
    _KEPT = 1
    _FIRST_REASON = 2
    _MOST_REASONS = 253

    def __init__(self) -> None:
        self._fates = bytearray()
        self._codes: dict[str, int] = {}
        self.notes: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._fates)

    def number(self, batches: Iterable[MessageBatch]) -> Iterator[MessageBatch]:
        """Hands batches of messages on, each message with the next position of this ledger."""
        fates = self._fates
        for batch in batches:
            batch.positions = range(len(fates), len(fates) + len(batch))
            fates.extend(bytes(len(batch)))  # zeros: unsettled
            yield batch

    def drop(self, position: int, reason: str) -> None:
        """Accounts for a message that is not used, unless it was settled before."""
        if self._fates[position] == self._UNSETTLED:
            if len(self._codes) >= self._MOST_REASONS and reason not in self._codes:
                reason = "other reasons"
            code = self._codes.setdefault(reason, len(self._codes) + self._FIRST_REASON)
            self._fates[position] = code

    def keep(self, positions: Iterable[int]) -> None:
        """Accounts for messages whose text was written, even if an earlier dialog with them was not."""
        positions = list(positions)
        if positions and positions == list(range(positions[0], positions[0] + len(positions))):  # as most dialogs are
            self._fates[positions[0] : positions[0] + len(positions)] = bytes([self._KEPT]) * len(positions)
            return
        for position in positions:
            self._fates[position] = self._KEPT

    def tally(self) -> Tally:
        """Counts the fates of all messages read so far."""
        dropped = {reason: self._fates.count(code) for reason, code in self._codes.items()}
        return Tally(
            read=len(self._fates),
            kept=self._fates.count(self._KEPT),
            dropped={reason: count for reason, count in dropped.items() if count},
            unsettled=self._fates.count(self._UNSETTLED),
        )


class Chat:
    """One chat of a log. Its messages are read once and in order.

    Args:
        id: The chat's id, unique within the log.
        title: The name shown for it, if any.
        kind: What kind of chat it is, in the words of its source.
        messages: The messages, oldest first; may be a generator over an open file.
        skip: Why nothing of this chat is to be learnt; its messages are then only counted.
    """

    __slots__ = ("_batches", "_rest", "id", "kind", "ledger", "skip", "title")

    def __init__(
        self, id: str, title: str | None, kind: str, messages: Iterable[Message], skip: str | None = None
    ) -> None:
        self.id = id
        self.title = title
        self.kind = kind
        self.skip = skip
        self.ledger = Ledger()
        self._batches = MessageBatch.in_batches(messages)
        self._rest: Iterator[Message] | None = None

    @classmethod
    def of_batches(
        cls, id: str, title: str | None, kind: str, batches: Iterator[MessageBatch], skip: str | None = None
    ) -> Chat:
        """Makes a chat of messages that come many at once: the faster way, for logs of millions of messages.

        Args:
            id: As above, like all others.
            title: The name shown for it.
            kind: What kind of chat it is.
            batches: The messages, oldest first, some hundred at a time; positions need not be set.
            skip: Why nothing of it is to be learnt.
        """
        chat = cls(id, title, kind, (), skip)
        chat._batches = filter(None, batches)  # those that hold something
        return chat

    @property
    def messages(self) -> Iterator[Message]:
        """The messages in order, once.

        Raises:
            RuntimeError: They were asked for before: a chat is a stream, not a list.
        """
        self._rest = chain.from_iterable(self._numbered())
        return self._rest

    @property
    def batches(self) -> Iterator[MessageBatch]:
        """The same messages, many at once.

        Raises:
            RuntimeError: They were asked for before.
        """
        batches = self._numbered()
        self._rest = chain.from_iterable(batches)
        return batches

    def rest(self) -> Iterator[Message]:
        """The messages that nobody has read so far. Afterwards the chat is closed."""
        return self.messages if self._rest is None else self._rest

    def tap(self, wrap: Callable[[Iterator[MessageBatch]], Iterator[MessageBatch]]) -> None:
        """Lets the messages pass through something on their way, such as a counter.

        Args:
            wrap: Is handed batches of messages, and hands them on.
        """
        self._batches = wrap(self._batches)

    def through(self, wrap: Callable[[Iterator[MessageBatch]], Iterator[MessageBatch]]) -> None:
        """The former name of `tap`."""
        warn_deprecated(deprecated("Chat.through", since="0.1", gone="0.3", instead="Chat.tap"))
        self.tap(wrap)

    def drop(self, message: Message, reason: str) -> None:
        """Accounts for a message that no dialog will hold."""
        self.ledger.drop(message.position, reason)

    def drop_rest(self, reason: str) -> None:
        """Accounts for all messages that nobody has read so far."""
        if self._rest is None:
            for batch in self.batches:
                for position in batch.positions:
                    self.ledger.drop(position, reason)
        for message in self.rest():
            self.drop(message, reason)

    def note(self, what: str) -> None:
        """Counts what is worth knowing although no message is dropped for it, such as a dialog that had to be cut."""
        self.ledger.notes[what] += 1

    def _numbered(self) -> Iterator[MessageBatch]:
        if self._rest is not None:
            raise RuntimeError(f"the messages of chat {self.id} were read already; a chat is read once")
        return self.ledger.number(self._batches)
