"""The bot's persistent state: handled updates, chat histories, the outbox, and what is stored about users.

Each step of a message's way through the bot is one transaction on this store. A bot that is killed at any moment
therefore neither loses a message nor replies to it twice.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from autocakechat.plugins.deployers.telegram.storage.outbox import Outbox
from autocakechat.plugins.deployers.telegram.storage.records import (
    BOT_SPEAKER,
    Conversation,
    PendingConversation,
    StoredMessage,
)
from autocakechat.plugins.deployers.telegram.storage.schema import MIGRATIONS, SCHEMA, SCHEMA_VERSION

_MAX_MESSAGES = 200  # of a conversation
_MAX_ROW_ID = 2**63 - 1
_SECONDS_PER_DAY = 24 * 3600.0
_REFUSAL_RETENTION = _SECONDS_PER_DAY
_UPDATE_RETENTION = 7 * _SECONDS_PER_DAY  # Telegram keeps updates for one day

_TABLES_OF_CHAT = ("lines", "moods", "outbox")


class ConversationStore(Outbox):
    """The store of one bot.

    Args:
        path: The database file; created if it does not exist.

    Raises:
        StageError: The file has another schema version, is not a database, or is open in another process.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, SCHEMA_VERSION, MIGRATIONS)
        self._deletions: Counter[int] = Counter()

    # -- updates ------------------------------------------------------------------------------------------------------

    def record_update(self, update_id: int) -> bool:
        """Records an update as handled; returns False if it was recorded before."""
        cursor = self._db.execute("INSERT OR IGNORE INTO updates VALUES (?, ?)", (update_id, time.time()))
        return cursor.rowcount == 1

    # -- chats --------------------------------------------------------------------------------------------------------

    def add_message(
        self, conversation: Conversation, speaker: int, text: str, message_id: int | None, needs_reply: bool
    ) -> None:
        """Adds a user's message to the history of a conversation.

        Args:
            conversation: The conversation.
            speaker: Id of the user.
            text: Text of the message.
            message_id: Telegram's id of the message, if the reply is to quote it.
            needs_reply: Whether the bot is to reply to it.
        """
        cursor = self._db.execute(
            "INSERT INTO lines (chat, topic, speaker, text, said, waits, message) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*conversation, speaker, text, time.time(), needs_reply, message_id),
        )
        self._db.execute("UPDATE lines SET place = id WHERE id = ?", (cursor.lastrowid,))

    def pending_conversations(self) -> list[PendingConversation]:
        """Returns the conversations that need a reply, the one that has waited longest first."""
        rows = self._db.execute(
            "SELECT chat, topic, MIN(said) AS first, MAX(said), MAX(id) FROM lines WHERE waits "
            "GROUP BY chat, topic ORDER BY first"
        )
        return [
            PendingConversation(Conversation(chat, topic), first, last, last_id, self._deletions[chat])
            for chat, topic, first, last, last_id in rows
        ]

    def count_pending_messages(self) -> int:
        """Returns how many messages of all chats need a reply."""
        count: int = self._db.execute("SELECT COUNT(*) FROM lines WHERE waits").fetchone()[0]
        return count

    def history(self, conversation: Conversation, last_message_id: int) -> list[StoredMessage]:
        """Returns the messages and replies of a conversation up to a message's row id, oldest first."""
        rows = self._db.execute(
            "SELECT speaker, text FROM lines WHERE chat = ? AND topic = ? AND place <= ? AND text <> '' "
            "ORDER BY place, id",
            (*conversation, last_message_id),
        )
        return [StoredMessage(*row) for row in rows]

    def add_reply(self, pending: PendingConversation, text: str, parts: list[str]) -> None:
        """Adds a reply to the history and to the outbox.

        Does nothing if messages of the chat were deleted since `pending_conversations` returned it, because the reply
        may contain them. Messages that are left stay pending.

        Args:
            pending: The conversation, with the last message that it replies to.
            text: Text of the reply.
            parts: The messages that the reply is sent as.
        """
        conversation, last_message_id = pending.conversation, pending.last_message_id
        if pending.deletions != self._deletions[conversation.chat]:
            return
        answered = (*conversation, last_message_id)
        received, reply_to = self._db.execute(
            "SELECT MIN(said), MAX(message) FROM lines WHERE chat = ? AND topic = ? AND id <= ? AND waits", answered
        ).fetchone()
        if received is None:
            return
        self._db.execute("UPDATE lines SET waits = 0 WHERE chat = ? AND topic = ? AND id <= ?", answered)
        self._db.execute(
            "INSERT INTO lines (place, chat, topic, speaker, text, said, waits) VALUES (?, ?, ?, ?, ?, ?, 0)",
            (last_message_id, *conversation, BOT_SPEAKER, text, time.time()),
        )
        for index, part in enumerate(parts):
            self.enqueue(conversation, part, reply_to, received if index == 0 else None)

    def trim_history(self, conversation: Conversation, turns: int) -> None:
        """Deletes the messages of a conversation that the model no longer uses. Pending messages are kept.

        Args:
            conversation: The conversation.
            turns: How many turns the model uses; messages between two replies are one turn.
        """
        rows = self._db.execute(
            "SELECT place, id, speaker FROM lines WHERE chat = ? AND topic = ? AND text <> '' "
            "ORDER BY place DESC, id DESC",
            conversation,
        ).fetchall()
        turn_count, turn_is_reply = 0, None
        for index, (place, row_id, speaker) in enumerate(rows):
            is_reply = speaker == BOT_SPEAKER
            if is_reply != turn_is_reply:
                turn_count, turn_is_reply = turn_count + 1, is_reply
            if turn_count > turns or index > _MAX_MESSAGES:
                self._delete_up_to(conversation, place, row_id)
                return

    def _delete_up_to(self, conversation: Conversation, place: int, row_id: int) -> None:
        """Deletes the messages of a conversation up to a place. Pending messages are kept.

        In a group, messages whose reply is kept lose only their text: `delete_user` needs to know who wrote them.
        """
        deleted = "chat = ? AND topic = ? AND (place, id) <= (?, ?) AND NOT waits"
        last_deleted_reply, next_reply = self._db.execute(
            "SELECT MAX(CASE WHEN (place, id) <= (?, ?) THEN place END), MAX((place, id) > (?, ?)) FROM lines "
            "WHERE chat = ? AND topic = ? AND speaker = ?",
            (place, row_id, place, row_id, *conversation, BOT_SPEAKER),
        ).fetchone()
        if next_reply and conversation.chat < 0:
            last_deleted_reply = last_deleted_reply or 0
            self._db.execute(
                f"UPDATE lines SET text = '' WHERE {deleted} AND place > ?",  # noqa: S608 - a constant
                (*conversation, place, row_id, last_deleted_reply),
            )
            place, row_id = last_deleted_reply, _MAX_ROW_ID
        self._db.execute(f"DELETE FROM lines WHERE {deleted}", (*conversation, place, row_id))  # noqa: S608

    def delete_history(self, conversation: Conversation) -> None:
        """Deletes all messages of a conversation; they are off the disk when the transaction ends."""
        self.request_wal_truncation()
        self._deletions[conversation.chat] += 1
        self._db.execute("DELETE FROM lines WHERE chat = ? AND topic = ?", conversation)

    def mood(self, conversation: Conversation) -> str | None:
        """Returns the mood that was set in a conversation; that of the chat if none was set in the topic."""
        row = self._db.execute(
            "SELECT mood FROM moods WHERE chat = ? AND topic IN (0, ?) ORDER BY topic DESC LIMIT 1", conversation
        ).fetchone()
        return row[0] if row else None

    def set_mood(self, conversation: Conversation, mood: str) -> None:
        """Sets the mood of a conversation."""
        self._db.execute("INSERT OR REPLACE INTO moods (chat, topic, mood) VALUES (?, ?, ?)", (*conversation, mood))

    def delete_chat(self, chat: int) -> None:
        """Deletes everything stored about a chat and its topics: messages, moods and the outbox."""
        self._deletions[chat] += 1
        for table in _TABLES_OF_CHAT:
            self._db.execute(f"DELETE FROM {table} WHERE chat = ?", (chat,))  # noqa: S608 - constant table names

    def migrate_chat(self, old: int, new: int) -> None:
        """Moves a group's data to its new id: a group that becomes a supergroup changes its id."""
        for table in _TABLES_OF_CHAT:
            self._db.execute(f"UPDATE OR REPLACE {table} SET chat = ? WHERE chat = ?", (new, old))  # noqa: S608
        self._db.execute("UPDATE lines SET speaker = ? WHERE speaker = ?", (new, old))  # anonymous administrators
        self._db.execute("INSERT OR REPLACE INTO moves VALUES (?, ?)", (new, old))

    def id_before_migration(self, chat: int) -> int | None:
        """Returns the id that a supergroup had as a group."""
        row = self._db.execute("SELECT old FROM moves WHERE new = ?", (chat,)).fetchone()
        return row[0] if row else None

    # -- users --------------------------------------------------------------------------------------------------------

    def record_refusal(self, user: int, interval: float) -> bool:
        """Records that a user without access wrote to the bot.

        Args:
            user: Id of the user.
            interval: Minimum number of seconds between two notifications of the user.

        Returns:
            Whether the user is to be notified now.
        """
        now = time.time()
        row = self._db.execute("SELECT told FROM refusals WHERE user = ?", (user,)).fetchone()
        if row and 0 <= now - row[0] < interval:
            return False
        self._db.execute("INSERT OR REPLACE INTO refusals VALUES (?, ?)", (user, now))
        return True

    def pinned_user(self, username: str) -> int | None:
        """Returns the id of the user that a username is pinned to."""
        row = self._db.execute("SELECT user FROM pins WHERE username = ?", (username,)).fetchone()
        return row[0] if row else None

    def pin_username(self, username: str, user: int) -> None:
        """Pins a username to the id of a user."""
        self._db.execute("INSERT INTO pins VALUES (?, ?)", (username, user))

    def delete_user(self, speaker: int) -> None:
        """Deletes everything stored about a user: the private chat, and in groups the user's messages and the replies.

        The replies are those to bursts with a message of the user. The data is off the disk when the transaction ends.

        Args:
            speaker: Id of the user. Of a chat that people write in the name of, only its messages are deleted.
        """
        self.request_wal_truncation()
        if speaker > 0:
            self.delete_chat(speaker)  # a private chat has the id of its user
            self._db.execute("DELETE FROM refusals WHERE user = ?", (speaker,))
            self._db.execute("DELETE FROM pins WHERE user = ?", (speaker,))
        # The reply to a message is the first one at its place or after it. It quotes the message with its place as id.
        replies = self._db.execute(
            "SELECT chat, (SELECT MIN(place) FROM lines AS reply WHERE reply.chat = lines.chat "
            "AND reply.topic = lines.topic AND speaker = ? AND reply.place >= lines.place) "
            "FROM lines WHERE speaker = ?",
            (BOT_SPEAKER, speaker),
        ).fetchall()
        for chat, place in set(replies):
            self._deletions[chat] += 1
            self._db.execute(
                "DELETE FROM outbox WHERE chat = ? AND reply_to = (SELECT message FROM lines WHERE id = ?)",
                (chat, place),
            )
            self._db.execute(
                "DELETE FROM lines WHERE chat = ? AND place = ? AND speaker = ?", (chat, place, BOT_SPEAKER)
            )
        self._db.execute("DELETE FROM lines WHERE speaker = ?", (speaker,))

    # -- maintenance --------------------------------------------------------------------------------------------------

    def delete_expired(self, message_retention: float) -> None:
        """Deletes expired data from the file and everything deleted from the write-ahead log.

        Args:
            message_retention: Seconds after which messages expire; pending messages do not.
        """
        now = time.time()
        with self.transaction():
            self._db.execute("DELETE FROM lines WHERE said < ? AND NOT waits", (now - message_retention,))
            self._db.execute("DELETE FROM refusals WHERE told < ?", (now - _REFUSAL_RETENTION,))
            self._db.execute("DELETE FROM updates WHERE seen < ?", (now - _UPDATE_RETENTION,))
        self.truncate_wal()
