"""What the bot keeps on disk: which updates it has seen, what was said, what is still to be sent.

Everything lies in one SQLite file. Each step of a message's way is one transaction here, so that a bot killed at any
moment neither loses a message nor answers it twice.
"""

from __future__ import annotations

import time
from pathlib import Path

from autocakechat.plugins.deployers.telegram.storage.database import Database
from autocakechat.plugins.deployers.telegram.storage.records import SERVER, Line, Outgoing, Waiting

_VERSION = 1
_MOST_MESSAGES = 200
_DAY = 24 * 3600.0

_SCHEMA = """
CREATE TABLE updates (id INTEGER PRIMARY KEY, seen REAL NOT NULL);
CREATE TABLE moods (chat INTEGER PRIMARY KEY, mood TEXT NOT NULL);
-- A line of a client stands at its own id, an answer at the id of the line it answers: what comes in while the model
-- thinks is then read after the answer, not before.
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


class Store(Database):
    """The bot's memory.

    Args:
        path: The file; made if it is not there.

    Raises:
        StageError: The file is of another version, or no database, or another bot has it open.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA, _VERSION)

    # -- updates ------------------------------------------------------------------------------------------------------

    def see(self, update: int) -> bool:
        """Remembers an update; returns whether it was new."""
        cursor = self._db.execute("INSERT OR IGNORE INTO updates VALUES (?, ?)", (update, time.time()))
        return cursor.rowcount == 1

    # -- conversations ------------------------------------------------------------------------------------------------

    def hear(self, chat: int, speaker: int, text: str, message: int | None, waits: bool) -> None:
        """Keeps what a client said.

        Args:
            chat: Where.
            speaker: Id of the user.
            text: What.
            message: Id of the message, if the answer is to reply to it.
            waits: Whether it is to be answered.
        """
        cursor = self._db.execute(
            "INSERT INTO lines (chat, speaker, text, said, waits, message) VALUES (?, ?, ?, ?, ?, ?)",
            (chat, speaker, text, time.time(), waits, message),
        )
        self._db.execute("UPDATE lines SET place = id WHERE id = ?", (cursor.lastrowid,))

    def waiting(self) -> list[Waiting]:
        """The chats that wait for an answer, longest first."""
        rows = self._db.execute(
            "SELECT chat, MIN(said) AS first, MAX(said), MAX(id), COUNT(*) FROM lines WHERE waits"
            " GROUP BY chat ORDER BY first"
        )
        return [Waiting(*row) for row in rows]

    def lines_waiting(self) -> int:
        """How many messages wait for an answer."""
        count: int = self._db.execute("SELECT COUNT(*) FROM lines WHERE waits").fetchone()[0]
        return count

    def conversation(self, chat: int, until: int) -> list[Line]:
        """What was said in a chat, oldest first, up to a line."""
        rows = self._db.execute(
            "SELECT id, speaker, text FROM lines WHERE chat = ? AND place <= ? ORDER BY place, id", (chat, until)
        )
        return [Line(*row) for row in rows]

    def answer(self, chat: int, until: int, text: str, messages: list[str]) -> bool:
        """Keeps an answer and puts it into the outbox.

        Args:
            chat: Where.
            until: Id of the last line that it answers.
            text: The answer.
            messages: The messages to send it as.

        Returns:
            False if nothing waits for it any more because the chat was reset meanwhile; it is then not kept.
        """
        row = self._db.execute(
            "SELECT MIN(said), MAX(message) FROM lines WHERE chat = ? AND id <= ? AND waits", (chat, until)
        ).fetchone()
        asked, reply_to = row
        if asked is None:
            return False
        self._db.execute("UPDATE lines SET waits = 0 WHERE chat = ? AND id <= ?", (chat, until))
        self._db.execute(
            "INSERT INTO lines (place, chat, speaker, text, said, waits) VALUES (?, ?, ?, ?, ?, 0)",
            (until, chat, SERVER, text, time.time()),
        )
        for number, message in enumerate(messages):
            self.put_out(chat, message, reply_to, asked if number == 0 else None)
        return True

    def trim(self, chat: int, keep: int) -> None:
        """Deletes what is answered and out of context.

        Args:
            chat: Where.
            keep: How many lines the model uses; messages of one speaker in a row are one line.
        """
        lines, speaker = 0, None
        rows = self._db.execute(
            "SELECT place, id, speaker FROM lines WHERE chat = ? ORDER BY place DESC, id DESC", (chat,)
        ).fetchall()
        for row, (place, line, said_by) in enumerate(rows):
            if said_by != speaker:
                lines, speaker = lines + 1, said_by
            if lines > keep or row > _MOST_MESSAGES:
                self._db.execute(
                    "DELETE FROM lines WHERE chat = ? AND (place, id) <= (?, ?) AND NOT waits", (chat, place, line)
                )
                return

    def reset(self, chat: int) -> None:
        """Deletes everything said in a chat, from the file's journal too when the transaction ends."""
        self.wipe_at_end()
        self._db.execute("DELETE FROM lines WHERE chat = ?", (chat,))

    def mood(self, chat: int) -> str | None:
        """The mood somebody set in a chat."""
        row = self._db.execute("SELECT mood FROM moods WHERE chat = ?", (chat,)).fetchone()
        return row[0] if row else None

    def set_mood(self, chat: int, mood: str) -> None:
        """Keeps the mood of a chat."""
        self._db.execute("INSERT OR REPLACE INTO moods VALUES (?, ?)", (chat, mood))

    # -- outbox -------------------------------------------------------------------------------------------------------

    def put_out(self, chat: int, text: str, reply_to: int | None = None, asked: float | None = None) -> None:
        """Puts a message into the outbox."""
        self._db.execute(
            "INSERT INTO outbox (chat, text, reply_to, asked) VALUES (?, ?, ?, ?)", (chat, text, reply_to, asked)
        )

    def chats_to_send_to(self) -> list[int]:
        """The chats that the outbox holds messages for, oldest message first."""
        rows = self._db.execute("SELECT chat FROM outbox GROUP BY chat ORDER BY MIN(id)")
        return [chat for (chat,) in rows]

    def next_to_send(self, chat: int) -> Outgoing | None:
        """The oldest message for a chat."""
        row = self._db.execute(
            "SELECT id, chat, text, reply_to, asked FROM outbox WHERE chat = ? ORDER BY id LIMIT 1", (chat,)
        ).fetchone()
        return Outgoing(*row) if row else None

    def sent(self, outgoing: Outgoing) -> None:
        """Takes a message out of the outbox."""
        self._db.execute("DELETE FROM outbox WHERE id = ?", (outgoing.id,))

    def drop(self, chat: int) -> None:
        """Deletes everything of a chat: its lines, its mood and what was to be sent there."""
        for table in ("lines", "moods", "outbox"):
            self._db.execute(f"DELETE FROM {table} WHERE chat = ?", (chat,))  # noqa: S608 - the names stand above

    def move(self, chat: int, to: int) -> None:
        """Follows a group that became a supergroup, which changes its id."""
        for table in ("lines", "moods", "outbox"):
            self._db.execute(f"UPDATE OR REPLACE {table} SET chat = ? WHERE chat = ?", (to, chat))  # noqa: S608
        self._db.execute("INSERT OR REPLACE INTO moves VALUES (?, ?)", (to, chat))

    def former(self, chat: int) -> int | None:
        """The id that a supergroup had before it became one."""
        row = self._db.execute("SELECT old FROM moves WHERE new = ?", (chat,)).fetchone()
        return row[0] if row else None

    # -- people -------------------------------------------------------------------------------------------------------

    def refuse(self, user: int, every: float) -> bool:
        """Remembers that a stranger was told; returns whether it is time to tell."""
        now = time.time()
        row = self._db.execute("SELECT told FROM refusals WHERE user = ?", (user,)).fetchone()
        if row and 0 <= now - row[0] < every:
            return False
        self._db.execute("INSERT OR REPLACE INTO refusals VALUES (?, ?)", (user, now))
        return True

    def pinned(self, username: str) -> int | None:
        """The id of the user that a username was first seen with."""
        row = self._db.execute("SELECT user FROM pins WHERE username = ?", (username,)).fetchone()
        return row[0] if row else None

    def pin(self, username: str, user: int) -> None:
        """Ties a username to the id of its user, for good."""
        self._db.execute("INSERT INTO pins VALUES (?, ?)", (username, user))

    def forget(self, user: int) -> None:
        """Deletes everything kept of a user: what the user said anywhere, and the private chat with all answers.

        When the transaction ends it is gone from the file's journal, too.
        """
        self.wipe_at_end()
        self.drop(user)  # a private chat has the id of its user
        self._db.execute("DELETE FROM lines WHERE speaker = ?", (user,))
        self._db.execute("DELETE FROM refusals WHERE user = ?", (user,))
        self._db.execute("DELETE FROM pins WHERE user = ?", (user,))

    # -- housekeeping -------------------------------------------------------------------------------------------------

    def tidy(self, forget_after: float) -> None:
        """Deletes what is too old, and what was deleted from the file's journal as well.

        Args:
            forget_after: Seconds after which what was said is forgotten.
        """
        now = time.time()
        with self.transaction():
            self._db.execute("DELETE FROM lines WHERE said < ? AND NOT waits", (now - forget_after,))
            self._db.execute("DELETE FROM refusals WHERE told < ?", (now - _DAY,))
            self._db.execute("DELETE FROM updates WHERE seen < ?", (now - 7 * _DAY,))  # Telegram keeps them for one
        self.wipe()
