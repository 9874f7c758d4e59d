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
    PendingChat,
    StoredMessage,
)

_SCHEMA_VERSION = 1
_MAX_MESSAGES_PER_CHAT = 200
_MAX_ROW_ID = 2**63 - 1
_SECONDS_PER_DAY = 24 * 3600.0
_REFUSAL_RETENTION = _SECONDS_PER_DAY
_UPDATE_RETENTION = 7 * _SECONDS_PER_DAY  # Telegram keeps updates for one day

# updates   Ids of the updates that were handled; `seen` is when (Unix seconds, like all times).
# lines     Messages of users and replies of the bot. `place` orders a chat: a user's message has its own id as its
#           place, a reply has the id of the last message that it replies to. A message that arrives while the model
#           runs thus comes after the reply. `said` is the time; `waits` is 1 while the message has no reply;
#           `message` is Telegram's message id, if the reply quotes it. A message without text is no longer in the
#           context; its row tells until the reply to it is deleted, too, whom that reply was for.
# outbox    Messages to send. `asked` is the time of the first message that a reply replies to.
# refusals  Users without access; `told` is when they were last notified.
# pins      Usernames of the `allow` option and the id of the first user seen with each.
# moves     Ids of supergroups, and the ids that they had as groups.
_SCHEMA = """
CREATE TABLE updates (id INTEGER PRIMARY KEY, seen REAL NOT NULL);
CREATE TABLE moods (chat INTEGER PRIMARY KEY, mood TEXT NOT NULL);
CREATE TABLE lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, place INTEGER, chat INTEGER NOT NULL, speaker INTEGER NOT NULL,
    text TEXT NOT NULL, said REAL NOT NULL, waits INTEGER NOT NULL, message INTEGER
);
CREATE INDEX lines_of_chat ON lines (chat, place, id);
CREATE INDEX lines_waiting ON lines (chat, id, said) WHERE waits;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, chat INTEGER NOT NULL, text TEXT NOT NULL, reply_to INTEGER, asked REAL
);
CREATE INDEX outbox_of_chat ON outbox (chat, id);
CREATE TABLE refusals (user INTEGER PRIMARY KEY, told REAL NOT NULL);
CREATE TABLE pins (username TEXT PRIMARY KEY, user INTEGER NOT NULL);
CREATE TABLE moves (new INTEGER PRIMARY KEY, old INTEGER NOT NULL);
"""
_TABLES_OF_CHAT = ("lines", "moods", "outbox")


class ConversationStore(Outbox):
    """The store of one bot.

    Args:
        path: The database file; created if it does not exist.

    Raises:
        StageError: The file has another schema version, is not a database, or is open in another process.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA, _SCHEMA_VERSION)
        self._deletions: Counter[int] = Counter()

    # -- updates ------------------------------------------------------------------------------------------------------

    def record_update(self, update_id: int) -> bool:
        """Records an update as handled; returns False if it was recorded before."""
        cursor = self._db.execute("INSERT OR IGNORE INTO updates VALUES (?, ?)", (update_id, time.time()))
        return cursor.rowcount == 1

    # -- chats --------------------------------------------------------------------------------------------------------

    def add_message(self, chat: int, speaker: int, text: str, message_id: int | None, needs_reply: bool) -> None:
        """Adds a user's message to the history of a chat.

        Args:
            chat: Id of the chat.
            speaker: Id of the user.
            text: Text of the message.
            message_id: Telegram's id of the message, if the reply is to quote it.
            needs_reply: Whether the bot is to reply to it.
        """
        cursor = self._db.execute(
            "INSERT INTO lines (chat, speaker, text, said, waits, message) VALUES (?, ?, ?, ?, ?, ?)",
            (chat, speaker, text, time.time(), needs_reply, message_id),
        )
        self._db.execute("UPDATE lines SET place = id WHERE id = ?", (cursor.lastrowid,))

    def pending_chats(self) -> list[PendingChat]:
        """Returns the chats that need a reply, the one that has waited longest first."""
        rows = self._db.execute(
            "SELECT chat, MIN(said) AS first, MAX(said), MAX(id) FROM lines WHERE waits GROUP BY chat ORDER BY first"
        )
        return [PendingChat(chat, first, last, last_id, self._deletions[chat]) for chat, first, last, last_id in rows]

    def count_pending_messages(self) -> int:
        """Returns how many messages of all chats need a reply."""
        count: int = self._db.execute("SELECT COUNT(*) FROM lines WHERE waits").fetchone()[0]
        return count

    def history(self, chat: int, last_message_id: int) -> list[StoredMessage]:
        """Returns the messages and replies of a chat up to a message's row id, oldest first."""
        rows = self._db.execute(
            "SELECT speaker, text FROM lines WHERE chat = ? AND place <= ? AND text <> '' ORDER BY place, id",
            (chat, last_message_id),
        )
        return [StoredMessage(*row) for row in rows]

    def add_reply(self, pending: PendingChat, text: str, parts: list[str]) -> None:
        """Adds a reply to the history and to the outbox.

        Does nothing if messages of the chat were deleted since `pending_chats` returned it, because the reply may
        contain them. Messages that are left stay pending.

        Args:
            pending: The chat, with the last message that it replies to.
            text: Text of the reply.
            parts: The messages that the reply is sent as.
        """
        chat, last_message_id = pending.chat_id, pending.last_message_id
        if pending.deletions != self._deletions[chat]:
            return
        received, reply_to = self._db.execute(
            "SELECT MIN(said), MAX(message) FROM lines WHERE chat = ? AND id <= ? AND waits", (chat, last_message_id)
        ).fetchone()
        if received is None:
            return
        self._db.execute("UPDATE lines SET waits = 0 WHERE chat = ? AND id <= ?", (chat, last_message_id))
        self._db.execute(
            "INSERT INTO lines (place, chat, speaker, text, said, waits) VALUES (?, ?, ?, ?, ?, 0)",
            (last_message_id, chat, BOT_SPEAKER, text, time.time()),
        )
        for index, part in enumerate(parts):
            self.enqueue(chat, part, reply_to, received if index == 0 else None)

    def trim_history(self, chat: int, turns: int) -> None:
        """Deletes the messages of a chat that are no longer in the model's context. Pending messages are kept.

        Args:
            chat: Id of the chat.
            turns: How many turns the model uses; consecutive messages of one speaker are one turn.
        """
        rows = self._db.execute(
            "SELECT place, id, speaker FROM lines WHERE chat = ? AND text <> '' ORDER BY place DESC, id DESC", (chat,)
        ).fetchall()
        turn_count, turn_speaker = 0, None
        for index, (place, row_id, speaker) in enumerate(rows):
            if speaker != turn_speaker:
                turn_count, turn_speaker = turn_count + 1, speaker
            if turn_count > turns or index > _MAX_MESSAGES_PER_CHAT:
                self._delete_up_to(chat, place, row_id)
                return

    def _delete_up_to(self, chat: int, place: int, row_id: int) -> None:
        """Deletes the messages of a chat up to a place. Pending messages are kept.

        In a group, messages whose reply is kept lose only their text: `delete_user` needs to know who wrote them.
        """
        deleted = "chat = ? AND (place, id) <= (?, ?) AND NOT waits"
        last_deleted_reply, next_reply = self._db.execute(
            "SELECT MAX(CASE WHEN (place, id) <= (?, ?) THEN place END), MAX((place, id) > (?, ?)) FROM lines "
            "WHERE chat = ? AND speaker = ?",
            (place, row_id, place, row_id, chat, BOT_SPEAKER),
        ).fetchone()
        if next_reply and chat < 0:
            last_deleted_reply = last_deleted_reply or 0
            self._db.execute(
                f"UPDATE lines SET text = '' WHERE {deleted} AND place > ?",  # noqa: S608 - a constant
                (chat, place, row_id, last_deleted_reply),
            )
            place, row_id = last_deleted_reply, _MAX_ROW_ID
        self._db.execute(f"DELETE FROM lines WHERE {deleted}", (chat, place, row_id))  # noqa: S608

    def delete_history(self, chat: int) -> None:
        """Deletes all messages of a chat; they are off the disk when the transaction ends."""
        self.request_wal_truncation()
        self._deletions[chat] += 1
        self._db.execute("DELETE FROM lines WHERE chat = ?", (chat,))

    def mood(self, chat: int) -> str | None:
        """Returns the mood that was set in a chat."""
        row = self._db.execute("SELECT mood FROM moods WHERE chat = ?", (chat,)).fetchone()
        return row[0] if row else None

    def set_mood(self, chat: int, mood: str) -> None:
        """Sets the mood of a chat."""
        self._db.execute("INSERT OR REPLACE INTO moods VALUES (?, ?)", (chat, mood))

    def delete_chat(self, chat: int) -> None:
        """Deletes everything stored about a chat: its messages, its mood and its outbox."""
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
            "SELECT chat, (SELECT MIN(place) FROM lines AS reply WHERE reply.chat = lines.chat AND speaker = ? "
            "AND reply.place >= lines.place) FROM lines WHERE speaker = ?",
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
