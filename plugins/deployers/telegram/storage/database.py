"""A SQLite file that one process writes, with transactions that survive power cuts."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autocakechat import StageError

_SECONDS_TO_WAIT = 5.0  # for another program's lock; backups take none that the bot waits for


class Database:
    """A SQLite file in WAL mode. One `Database` at a time has it open; other programs may read it meanwhile.

    Args:
        path: The file; created if it does not exist.
        schema: SQL that creates the tables of a new file.
        version: Version of this schema.

    Raises:
        StageError: The file has another schema version, is not a database, or is open in another process.
    """

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self._truncate_wal_after_commit = False
        self._lock = _lock(path)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=_SECONDS_TO_WAIT)
        try:
            path.chmod(0o600)
            self._prepare(path, schema, version)
        except sqlite3.DatabaseError as error:
            self.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise _in_use(path) from None
            raise StageError(f"{path}: {error}", "move the file away to start with an empty database") from None

    def _prepare(self, path: Path, schema: str, version: int) -> None:
        db = self._db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON")
        (file_version,) = db.execute("PRAGMA user_version").fetchone()
        if file_version == 0:
            db.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {version}; COMMIT;")
        elif file_version != version:
            self.close()
            raise StageError(
                f"{path} was written by another version of autocakechat", "update autocakechat, or restore a backup"
            )

    def close(self) -> None:
        """Closes the file."""
        self._db.close()
        os.close(self._lock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Runs the block as one transaction that is on the disk when the block ends.

        Statements outside of a transaction survive the death of the process but not always a power cut, because they
        do not wait for the disk. The block must not contain `await`.
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
        if self._truncate_wal_after_commit:
            self.truncate_wal()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Runs the block as a nested transaction: if it raises, only its own changes are rolled back."""
        self._db.execute("SAVEPOINT nested")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO nested")
                self._db.execute("RELEASE nested")
            raise
        self._db.execute("RELEASE nested")

    def truncate_wal(self) -> None:
        """Removes deleted content from the write-ahead log. Must not be called inside a transaction.

        While another program reads the file, for example to back it up, the next transaction tries again.
        """
        self._db.execute("PRAGMA busy_timeout = 0")
        ((busy, _, _),) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._db.execute(f"PRAGMA busy_timeout = {_SECONDS_TO_WAIT * 1000:.0f}")
        self._truncate_wal_after_commit = bool(busy)

    def request_wal_truncation(self) -> None:
        """Truncates the write-ahead log after the current transaction commits."""
        self._truncate_wal_after_commit = True


def _lock(path: Path) -> int:
    """Locks a database for this process, until the returned file descriptor is closed.

    SQLite's own exclusive lock would also keep programs out that only read, such as a backup.

    Raises:
        StageError: Another process holds the lock, or the folder is not writable.
    """
    file = path.with_name(f"{path.name}-lock")
    try:
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StageError(f"{file}: {error.strerror}", "make the state folder writable") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise _in_use(path) from None
    return lock


def _in_use(path: Path) -> StageError:
    return StageError(f"{path}: the database is in use by another bot", "stop that bot or use another state folder")
