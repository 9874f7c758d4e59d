"""The part of the store that holds the messages to send."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from autocakechat.plugins.deployers.telegram.storage.database import Database
from autocakechat.plugins.deployers.telegram.storage.records import Conversation, OutboxMessage
from autocakechat.plugins.deployers.telegram.storage.sent_note import SentNote


class Outbox(Database):
    """A database with an outbox. Nothing is sent twice because the disk is full; see `remove_from_outbox`.

    Args:
        path: The database file; created if it does not exist.
        schema: SQL that creates the tables of a new file.
        version: Version of this schema.
        migrations: SQL that changes version 1 into version 2, and so on.

    Raises:
        StageError: The file has another schema version, is not a database, is open in another process, or cannot be
            written.
    """

    def __init__(self, path: Path, schema: str, version: int, migrations: Sequence[str]) -> None:
        super().__init__(path, schema, version, migrations)
        try:
            self._sent = SentNote(path.with_name(f"{path.name}-sent"))
        except BaseException:
            super().close()
            raise
        try:
            self._remove_sent()
        except BaseException:
            self.close()
            raise

    def _remove_sent(self) -> None:
        """Removes the messages that were sent before the disk was full."""
        if self._sent.ids:
            with self.transaction():
                self._db.executemany("DELETE FROM outbox WHERE id = ?", [(sent,) for sent in self._sent.ids])
        self._sent.clear()

    def close(self) -> None:
        """Closes the files."""
        super().close()
        self._sent.close()

    def enqueue(
        self, conversation: Conversation, text: str, reply_to: int | None = None, received: float | None = None
    ) -> None:
        """Adds a message to the outbox; see `OutboxMessage` for the arguments."""
        self._db.execute(
            "INSERT INTO outbox (chat, topic, text, reply_to, asked) VALUES (?, ?, ?, ?, ?)",
            (*conversation, text, reply_to, received),
        )

    def conversations_with_outgoing(self) -> list[Conversation]:
        """Returns the conversations that have messages in the outbox, oldest message first."""
        rows = self._db.execute("SELECT chat, topic FROM outbox GROUP BY chat, topic ORDER BY MIN(id)")
        return [Conversation(*row) for row in rows]

    def next_outgoing(self, conversation: Conversation) -> OutboxMessage | None:
        """Returns the oldest message in the outbox of a conversation."""
        row = self._db.execute(
            "SELECT id, text, reply_to, asked FROM outbox WHERE chat = ? AND topic = ? ORDER BY id LIMIT 1",
            conversation,
        ).fetchone()
        return OutboxMessage(row[0], conversation, *row[1:]) if row else None

    def remove_from_outbox(self, message: OutboxMessage) -> None:
        """Removes a message that was sent from the outbox.

        Raises:
            sqlite3.Error: The database cannot be written. It is noted that the message was sent: it is removed when
                the database is opened the next time, before anything is sent.
            StageError: Neither can be written.
        """
        try:
            self._db.execute("DELETE FROM outbox WHERE id = ?", (message.id,))
        except sqlite3.Error:
            self._sent.add(message.id)
            raise
