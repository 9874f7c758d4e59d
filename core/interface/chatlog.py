"""Chat logs as sources yield them: messages and chats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat

import msgspec
from msgspec import structs

from autocakechat.interface.deprecation import deprecated, warn_deprecated
from autocakechat.interface.ledger import Ledger
from autocakechat.interface.type_checks import require_type

_BATCH_SIZE = 256
_NO_POSITION = -1


# A struct, not an attrs class: a log has millions of messages, and a frozen attrs object takes five times as long to
# create.
class Message(msgspec.Struct, gc=False):
    """One message of a chat.

    Attributes:
        id: The message's number, unique within its chat.
        sender: Id of the sender, the same in every chat; empty if the message has no sender.
        sender_name: The sender's display name, if any. Compare senders by `sender`, never by name.
        text: The text; empty for a picture, a call and other messages without text.
        sent: When it was sent, in seconds since 1970, UTC.
        reply_to: `id` of the message of the same chat that this one replies to.
        kind: `text`, or the kind of its content: `photo`, `sticker`, `voice message`, `service: phone_call`.
        own_words: False for text that the sender did not write, such as a forward or a bot's reply.
        outgoing: Whether the owner of the log sent it; None if the log does not record that.
        position: The message's index in its chat, from 0. The chat sets it.
        topic: The topic of the chat that the message belongs to, such as a topic of a Telegram forum: a title that is
            unique in the chat; empty in a chat without topics.
        label: The label of the text, such as an emotion, if the log records one.
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
    position: int = _NO_POSITION
    topic: str = ""
    label: str | None = None


class MessageBatch(msgspec.Struct, gc=False, array_like=True):
    """Consecutive messages of a chat, stored by column: the n-th value of each column belongs to the n-th message.

    Column operations are several times as fast as loops over messages.

    Attributes:
        ids: The `id` of each message.
        senders: The `sender` of each message.
        sender_names: The `sender_name` of each message.
        texts: The `text` of each message.
        sent: The `sent` of each message.
        reply_to: The `reply_to` of each message.
        kinds: The `kind` of each message.
        own_words: The `own_words` of each message.
        outgoing: The `outgoing` of each message.
        positions: The `position` of each message; empty until the chat sets it.
        topics: The `topic` of each message; empty if no message of the batch has one.
        labels: The `label` of each message; empty if no message has one.
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
    topics: Sequence[str] = ()
    labels: Sequence[str | None] = ()

    @classmethod
    def of(cls, messages: Sequence[Message]) -> MessageBatch:
        """Makes a batch of messages.

        Args:
            messages: At least one message.

        Raises:
            TypeError: An item is not a Message.
        """
        try:
            columns = zip(*map(structs.astuple, messages), strict=False)  # a subclass may have more attributes
            return cls(*islice(columns, len(cls.__struct_fields__)))
        except TypeError:
            wrong = next((item for item in messages if not isinstance(item, Message)), None)
            raise TypeError(f"a chat yields {type(wrong).__name__}, expected Message") from None

    @classmethod
    def in_batches(cls, messages: Iterable[Message]) -> Iterator[MessageBatch]:
        """Splits a stream of messages into batches, lazily."""
        messages = iter(messages)
        while batch := list(islice(messages, _BATCH_SIZE)):
            yield cls.of(batch)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Message]:
        """Yields the messages, one after the other."""
        *columns, positions, topics, labels = structs.astuple(self)
        return map(Message, *columns, positions or repeat(_NO_POSITION), topics or repeat(""), labels or repeat(None))


class Chat:
    """One chat of a log. Its messages can be read once, in order.

    Args:
        id: The chat's id, unique within the log.
        title: The display title, if any.
        kind: The kind of chat, such as `personal_chat`; each source has its own kinds.
        messages: The messages, oldest first; may be a generator over an open file.
        skip: Why the chat is not used for training; its messages are only counted.

    Attributes:
        origin: The iterable of the source, to find the line of its code in an error message.
    """

    __slots__ = ("_batches", "_rest", "id", "kind", "ledger", "origin", "skip", "title")

    def __init__(
        self, id: str, title: str | None, kind: str, messages: Iterable[Message], skip: str | None = None
    ) -> None:
        require_type("Chat.id", id, str)
        require_type("Chat.title", title, str | None)
        require_type("Chat.kind", kind, str)
        require_type("Chat.skip", skip, str | None)
        require_type("Chat.messages", messages, Iterable)
        self.id = id
        self.title = title
        self.kind = kind
        self.skip = skip
        self.ledger = Ledger("group" in kind)
        self.origin: Iterable[Message] | Iterable[MessageBatch] = messages
        self._batches = MessageBatch.in_batches(messages)
        self._rest: Iterator[Message] | None = None

    @classmethod
    def of_batches(
        cls, id: str, title: str | None, kind: str, batches: Iterator[MessageBatch], skip: str | None = None
    ) -> Chat:
        """Makes a chat of message batches: the faster way for logs of millions of messages.

        Args:
            id: The chat's id, unique within the log.
            title: The display title, if any.
            kind: The kind of chat.
            batches: The messages, oldest first, some hundred per batch; the chat sets their positions.
            skip: Why the chat is not used for training.
        """
        chat = cls(id, title, kind, (), skip)
        chat.origin = batches
        chat._batches = filter(None, batches)  # without empty batches
        return chat

    @property
    def messages(self) -> Iterator[Message]:
        """The messages in order, once.

        Raises:
            RuntimeError: The messages were already read: a chat is a stream, not a list.
        """
        self._rest = chain.from_iterable(self._positioned_batches())
        return self._rest

    @property
    def batches(self) -> Iterator[MessageBatch]:
        """The same messages in batches, once.

        Raises:
            RuntimeError: The messages were already read.
        """
        batches = self._positioned_batches()
        self._rest = chain.from_iterable(batches)
        return batches

    def rest(self) -> Iterator[Message]:
        """Returns the messages that were not read yet. Then the chat is exhausted."""
        return self.messages if self._rest is None else self._rest

    def tap(self, wrap: Callable[[Iterator[MessageBatch]], Iterator[MessageBatch]]) -> None:
        """Passes the messages through a function while they are read, for example to count them.

        Args:
            wrap: Takes the batches and yields them.
        """
        self._batches = wrap(self._batches)

    def through(self, wrap: Callable[[Iterator[MessageBatch]], Iterator[MessageBatch]]) -> None:
        """Deprecated: the former name of `tap`."""
        warn_deprecated(deprecated("Chat.through", since="0.1", gone="0.3", instead="Chat.tap"))
        self.tap(wrap)

    def drop(self, message: Message, reason: str) -> None:
        """Records that no dialog uses a message, and why."""
        self.ledger.drop(message.position, reason)

    def drop_rest(self, reason: str) -> None:
        """Drops all messages that were not read yet."""
        if self._rest is None:
            for batch in self.batches:
                for position in batch.positions:
                    self.ledger.drop(position, reason)
        for message in self.rest():
            self.drop(message, reason)

    def note(self, event: str) -> None:
        """Counts an event of the report that drops no message, such as a dialog that was cut."""
        self.ledger.notes[event] += 1

    def _positioned_batches(self) -> Iterator[MessageBatch]:
        if self._rest is not None:
            raise RuntimeError(f"the messages of chat {self.id} were already read; a chat can be read only once")
        return self._assign_positions()

    def _assign_positions(self) -> Iterator[MessageBatch]:
        for batch in self._batches:
            batch.positions = self.ledger.add(batch.senders)
            if batch.topics:
                self.ledger.count_topics(batch.topics)
            yield batch
