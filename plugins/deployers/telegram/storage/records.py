"""Records that the store returns."""

from __future__ import annotations

import attrs

BOT_SPEAKER = 0
"""Speaker id of the bot's own replies; ids of users are positive."""


@attrs.frozen
class StoredMessage:
    """A message of a chat's history.

    Attributes:
        speaker: Id of the user who wrote it, or `BOT_SPEAKER`.
        text: Its text.
    """

    speaker: int
    text: str


@attrs.frozen
class PendingChat:
    """A chat with messages that have no reply yet.

    Attributes:
        chat: Id of the chat.
        first_received: Time of the first pending message, Unix seconds.
        last_received: Time of the last pending message, Unix seconds.
        last_message: Row id of the last pending message.
    """

    chat: int
    first_received: float
    last_received: float
    last_message: int


@attrs.frozen
class OutboxMessage:
    """A message to send.

    Attributes:
        id: Row id in the outbox.
        chat: Id of the chat to send it to.
        text: The text, short enough for one message.
        reply_to: Id of the message that it quotes as a reply, in groups.
        received: Time of the first message that it replies to, Unix seconds; None unless this is the first message of
            a reply.
    """

    id: int
    chat: int
    text: str
    reply_to: int | None
    received: float | None
