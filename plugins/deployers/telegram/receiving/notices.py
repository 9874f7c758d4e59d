"""Texts of the bot itself, as opposed to replies of the model."""

from __future__ import annotations

from autocakechat.plugins.deployers.telegram.receiving.message_parsing import IncomingMessage
from autocakechat.plugins.deployers.telegram.replying.message_splitting import split_to_fit
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore


def enqueue_notice(store: ConversationStore, incoming: IncomingMessage, text: str) -> None:
    """Puts a text into the outbox, as the reply to a message."""
    for part in split_to_fit(text):
        store.enqueue(incoming.conversation, part, incoming.id_to_quote)
