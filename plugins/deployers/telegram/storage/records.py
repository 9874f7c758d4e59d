"""Records that `ConversationStore` reads from its database."""

from __future__ import annotations

from typing import NamedTuple

import attrs

BOT_SPEAKER = 0
"""Speaker id of the bot's own replies; ids of users are positive, those of groups and channels negative."""


class Conversation(NamedTuple):
    """What the bot remembers and answers separately: a chat, or a topic of it.

    Attributes:
        chat: Id of the chat.
        topic: Telegram's `message_thread_id` of the topic; 0 outside of topics.
    """

    chat: int
    topic: int = 0


@attrs.frozen
class StoredMessage:
    """A message of a conversation's history.

    Attributes:
        speaker_id: Id of the user, group or channel in whose name it was written, or `BOT_SPEAKER`.
        text: Its text.
    """

    speaker_id: int
    text: str


@attrs.frozen
class PendingConversation:
    """A conversation with messages that have no reply yet.

    Attributes:
        conversation: The conversation.
        first_received: Time of the first pending message, Unix seconds.
        last_received: Time of the last pending message, Unix seconds.
        last_message_id: Row id of the last pending message.
        deletions: How often messages of the chat were deleted at a user's request, since the start.
    """

    conversation: Conversation
    first_received: float
    last_received: float
    last_message_id: int
    deletions: int


@attrs.frozen
class OutboxMessage:
    """A message to send.

    Attributes:
        id: Row id in the outbox.
        conversation: The conversation to send it to.
        text: The text, short enough for one message.
        reply_to: Telegram's id of the message that it quotes; None if it quotes none, as in private chats.
        received: When the first of the messages that it replies to was received, Unix seconds. Only the first message
            of a reply has it, so that the latency of a reply is recorded once; else None.
    """

    id: int
    conversation: Conversation
    text: str
    reply_to: int | None
    received: float | None
