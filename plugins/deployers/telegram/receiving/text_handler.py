"""Handles messages that are part of the conversation."""

from __future__ import annotations

from autocakechat.plugins.deployers.telegram.bot_api.client import BotClient
from autocakechat.plugins.deployers.telegram.event_log import EventLog
from autocakechat.plugins.deployers.telegram.receiving.message_parsing import (
    IncomingMessage,
    remove_mention,
)
from autocakechat.plugins.deployers.telegram.receiving.message_text import is_content, parse_text
from autocakechat.plugins.deployers.telegram.receiving.notices import enqueue_notice
from autocakechat.plugins.deployers.telegram.storage.store import ConversationStore

TEXT_ONLY_NOTICE = "Sorry, I understand only text."


class TextHandler:
    """Adds texts to the history of their conversation. Replies to others that it understands only text.

    Args:
        bot: The Bot API client.
        store: Takes the messages.
        context_lines: How many turns of a chat the model uses.
        event_log: Receives the messages.
    """

    def __init__(self, bot: BotClient, store: ConversationStore, context_lines: int, event_log: EventLog) -> None:
        self._bot = bot
        self._store = store
        self._context_lines = context_lines
        self._event_log = event_log
        self._last_album: str | None = None

    def handle(self, incoming: IncomingMessage) -> None:
        """Stores the text of a message. In groups, messages that are not addressed to the bot become context."""
        text = remove_mention(parse_text(incoming.message), self._bot)
        if text:
            self._store_text(incoming, text)
        elif incoming.addressed and is_content(incoming.message) and not self._continues_album(incoming):
            enqueue_notice(self._store, incoming, TEXT_ONLY_NOTICE)

    def _store_text(self, incoming: IncomingMessage, text: str) -> None:
        conversation, user, addressed = incoming.conversation, incoming.speaker_id, incoming.addressed
        self._store.add_message(conversation, user, text, incoming.id_to_quote, needs_reply=addressed)
        self._store.trim_history(conversation, self._context_lines)
        chat, topic = conversation
        self._event_log.log("message received", text=text, chat=chat, topic=topic or None, user=user, to_bot=addressed)

    def _continues_album(self, incoming: IncomingMessage) -> bool:
        """Returns whether a picture belongs to the same album as the last one: an album gets one notice."""
        previous_album, self._last_album = self._last_album, incoming.message.media_group_id
        return self._last_album is not None and self._last_album == previous_album
