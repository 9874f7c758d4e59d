"""A SQLite file that one program owns, in which each step is kept whole or not at all, power cuts included."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autocakechat import StageError


class Database:
    """The file.

    Args:
        path: Where; made if it is not there.
        schema: SQL that makes the tables of a new file.
        version: The version of this schema.

    Raises:
        StageError: The file is of another version, or no database, or another program has it open.
    """

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self._wipe_due = False
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            path.chmod(0o600)
            self._prepare(path, schema, version)
        except sqlite3.DatabaseError as error:
            self._db.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise StageError(f"{path}: another bot uses this", "stop it, or give this one another folder") from None
            raise StageError(f"{path}: {error}", "move the file away to start with an empty memory") from None

    def _prepare(self, path: Path, schema: str, version: int) -> None:
        db = self._db
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON")
        (found,) = db.execute("PRAGMA user_version").fetchone()
        if found == 0:
            db.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {version}; COMMIT;")
        elif found != version:
            db.close()
            raise StageError(f"{path} was written by another version of autocakechat", "update autocakechat")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything done inside is kept, or nothing; once kept it outlives a power cut.

        What is done outside of any transaction outlives the death of the program, but perhaps not that of the machine:
        it does not wait for the disk. There must be no `await` inside.
        """
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        finally:
            self._db.execute("PRAGMA synchronous = NORMAL")
        if self._wipe_due:
            self.wipe()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Everything done inside is kept or nothing, whatever becomes of the rest of the transaction around it."""
        self._db.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO attempt")
                self._db.execute("RELEASE attempt")
            raise
        self._db.execute("RELEASE attempt")

    def wipe(self) -> None:
        """Removes what was deleted from the file's journal, too. Not inside a transaction."""
        self._wipe_due = False
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def wipe_at_end(self) -> None:
        """Wipes when the transaction ends."""
        self._wipe_due = True
