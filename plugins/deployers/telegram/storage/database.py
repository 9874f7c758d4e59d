"""A SQLite file that one process writes, with transactions that survive power cuts."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autocakechat import StageError

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DISK_ERRORS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
_SECONDS_TO_WAIT = 5.0  # for another program's lock; backups take none that the bot waits for


class Database:
    """A SQLite file in WAL mode. One `Database` at a time has it open; other programs may read it meanwhile.

    Args:
        path: The file; created if it does not exist.
        schema: SQL that creates the tables of a new file.
        version: Version of this schema.
        migrations: SQL that changes version 1 into version 2, and so on up to `version`.

    Raises:
        StageError: The file has a later schema version, is not a database, or is open in another process.
    """

    def __init__(self, path: Path, schema: str, version: int, migrations: Sequence[str] = ()) -> None:
        self._truncate_wal_after_commit = False
        self._lock = _lock(path)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=_SECONDS_TO_WAIT)
        try:
            path.chmod(0o600)
            self._prepare(path, schema, version, migrations)
        except sqlite3.DatabaseError as error:
            Database.close(self)
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise _in_use(path) from None
            if error.sqlite_errorcode in _DAMAGED:
                raise StageError(f"{path}: {error}", "restore a backup, or move the file away") from None
            raise cannot_write(path.parent, error) from None

    def _prepare(self, path: Path, schema: str, version: int, migrations: Sequence[str]) -> None:
        db = self._db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON")
        (file_version,) = db.execute("PRAGMA user_version").fetchone()
        if file_version == 0:
            db.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {version}; COMMIT;")
        elif 0 < file_version < version:
            changes = " ".join(migrations[file_version - 1 :])
            db.executescript(f"BEGIN IMMEDIATE; {changes} PRAGMA user_version = {version}; COMMIT;")
        elif file_version != version:
            Database.close(self)
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
        StageError: Another process holds the lock, or the folder cannot be written.
    """
    try:
        lock = os.open(path.with_name(f"{path.name}-lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise cannot_write(path.parent, error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise _in_use(path) from None
    return lock


def is_disk_error(error: sqlite3.Error) -> bool:
    """Returns whether the disk or the permissions of the folder are the cause of an error, not the program."""
    return error.sqlite_errorcode & 0xFF in _DISK_ERRORS  # the other bits say which read or write failed


def cannot_write(state: Path, error: OSError | sqlite3.Error) -> StageError:
    """Returns the error for a state folder that cannot be written."""
    reason = error.strerror if isinstance(error, OSError) else error
    return StageError(
        f"{state}: cannot write the bot's data: {reason}",
        "check that the folder is writable and the disk has free space, then start again",
    )


def _in_use(path: Path) -> StageError:
    return StageError(f"{path}: the database is in use by another bot", "stop that bot or use another state folder")
