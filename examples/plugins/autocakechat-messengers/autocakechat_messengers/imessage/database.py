"""The database `chat.db` of macOS, opened read-only."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from autocakechat import Chat, LogFile, Message, RunContext, UserError
from autocakechat_messengers.content import OWNER, attachment_kind, without_duplicates
from autocakechat_messengers.files import ExportFiles, Listing

_START = 978_307_200  # the times of the database count from 2001
_LAST_TIME = 253_402_300_799
_GROUP_STYLE = 43
_OBJECT = "\ufffc"  # stands for an attachment in a text
# The columns of a message that matter; older versions of macOS lack some.
_COLUMNS = (
    "attributedBody", "is_from_me", "associated_message_type", "item_type", "date_retracted",
    "is_audio_message", "balloon_bundle_id",
)  # fmt: skip


def find(listing: Listing) -> list[LogFile]:
    """Returns the databases, each with its write-ahead log.

    Raises:
        NotAnExportError: There are none.
        UserError: One is damaged.
    """
    found = listing.find("chat.db", _find_problem)
    if found == [LogFile(listing.path)]:
        logs = [_log_of(found[0])] if _log_of(found[0]).path.is_file() else []
    else:
        logs = [log for file in found if (log := _log_of(file)) in listing.files]
    return [*found, *logs]


def read(files: ExportFiles, run: RunContext) -> Iterator[Chat]:
    """Yields the chats of databases; see `Format.read`."""
    for file in files:
        if not is_database(file):
            continue
        name = files.names[file]
        with _opened(file, files, run) as database, run.progress("reading iMessage chats") as progress:
            columns, chats = _contents(database, name)
            for identifier, title, style, ids in chats:
                kind = "group" if style == _GROUP_STYLE else "private chat"
                messages = _messages(database, str(ids), columns, name, run)
                yield Chat(str(identifier), str(title) if title else None, kind, without_duplicates(messages))
                progress.advance()


def is_database(file: LogFile) -> bool:
    """Returns whether a file of an export is a database, by its name."""
    return not file.file_name.endswith("-wal")


def _find_problem(file: LogFile, head: bytes) -> str:
    if not head.startswith(b"SQLite format 3\x00"):
        return "not a database of macOS" if head else "the file is empty"
    if file.member:
        return ""  # it is unpacked later
    try:
        with closing(sqlite3.connect(f"{file.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        raise UserError(f"{file}: a damaged database: {error}", "copy it again while Messages is closed") from None
    missing = {"message", "chat", "handle", "chat_message_join"} - tables
    return f"a database, but not of Messages: it has no table {min(missing)}" if missing else ""


def _log_of(database: LogFile) -> LogFile:
    if database.member:
        return LogFile(database.path, f"{database.member}-wal")
    return LogFile(database.path.with_name(f"{database.path.name}-wal"))


def _contents(database: sqlite3.Connection, name: str) -> tuple[set[str], list[tuple[Any, ...]]]:
    """Returns the columns of the table of messages, and the chats.

    Raises:
        UserError: The database is damaged.
    """
    rows = "SELECT chat_identifier, max(display_name), max(style), group_concat(ROWID) FROM chat GROUP BY 1"
    try:
        columns = {row[1] for row in database.execute("PRAGMA table_info(message)")}
        return columns, database.execute(rows).fetchall()
    except sqlite3.Error as error:
        raise UserError(f"{name}: a damaged database: {error}", "copy it again while Messages is closed") from None


@contextmanager
def _opened(file: LogFile, files: ExportFiles, run: RunContext) -> Iterator[sqlite3.Connection]:
    """Opens a database; a copy of one with a write-ahead log, because SQLite writes beside it, or in an archive."""
    with tempfile.TemporaryDirectory(dir=run.state) as folder:
        path, options = file.path, "mode=ro&immutable=1"
        log = _log_of(file)
        has_log = log in files
        if file.member or has_log:
            path, options = Path(folder, "chat.db"), "mode=rw"
            _copy(file, path, files)
        if has_log:
            _copy(log, Path(folder, "chat.db-wal"), files)
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True)) as database:
            database.text_factory = lambda text: text.decode("utf-8", "replace")
            yield database


def _copy(file: LogFile, target: Path, files: ExportFiles) -> None:
    with files.open(file) as content, target.open("wb") as copy:
        shutil.copyfileobj(content, copy)


def _messages(
    database: sqlite3.Connection, chat_ids: str, columns: set[str], name: str, run: RunContext
) -> Iterator[Message]:
    # The ids come from the same database and are integers.
    people: dict[bytes | None, str] = {None: ""}
    try:
        for row in database.execute(_query(columns, chat_ids)):
            yield _message(row, people)
    except sqlite3.Error as error:
        run.log.warning("%s: the database is damaged (%s); everything before is used", name, error)


def _query(columns: set[str], chat_ids: str) -> str:
    """Returns the query for the messages of a chat. Its columns are the parameters of `_content` and `_message`."""
    selected = ", ".join(f"m.{column}" if column in columns else "NULL" for column in _COLUMNS)
    # Seconds from 2001, or nanoseconds since macOS 10.13.
    sent = f"{_START} + CASE WHEN abs(m.date) > 1000000000000 THEN m.date / 1000000000 ELSE m.date END"
    target = "(SELECT target.ROWID FROM message target WHERE target.guid = m.thread_originator_guid)"
    attachment = """(SELECT a.mime_type || '/' || coalesce(a.transfer_name, '') FROM attachment a
        JOIN message_attachment_join j ON j.attachment_id = a.ROWID WHERE j.message_id = m.ROWID LIMIT 1)"""
    if "thread_originator_guid" not in columns:
        target = "NULL"
    if "cache_has_attachments" in columns:
        attachment = f"CASE m.cache_has_attachments WHEN 0 THEN NULL ELSE {attachment} END"
    return f"""
        SELECT m.ROWID, CAST(handle.id AS BLOB), {target}, {sent}, CAST(m.text AS BLOB), {attachment}, {selected}
        FROM chat_message_join JOIN message m ON m.ROWID = chat_message_join.message_id
        LEFT JOIN handle ON handle.ROWID = m.handle_id
        WHERE chat_message_join.chat_id IN ({chat_ids}) ORDER BY m.date, m.ROWID
    """


def _message(row: tuple[Any, ...], people: dict[bytes | None, str]) -> Message:
    """Makes a message.

    Args:
        row: The columns of `_query`.
        people: The ids of senders, by the bytes of their handles; new ones are added.
    """
    id_, handle, target, sent, content, attachment, body, from_me, *rest = row
    if handle not in people:
        people[handle] = handle.decode("utf-8", "replace")
    text = content.decode("utf-8", "replace") if content else text_of_body(body)
    if _OBJECT in text:
        text = text.replace(_OBJECT, "")
    text = text.strip()
    kind = "text" if text else "empty message"
    if attachment or any(rest):
        kind, text = _classify(text, attachment, *rest)
    sender = OWNER if from_me else people[handle]
    if not isinstance(sent, int) or not 0 <= sent <= _LAST_TIME:
        sent = 0 if not isinstance(sent, int) or sent < 0 else _LAST_TIME
    return Message(id_, sender, None, text, sent, target, kind, outgoing=bool(from_me))


def _classify(
    text: str, attachment: str | None, reaction: Any, item: Any, retracted: Any, is_audio: Any, balloon: Any
) -> tuple[str, str]:
    """Returns the kind of a message with more than text, and its text."""
    if 2000 <= _integer(reaction) < 4000:
        return "service: reaction", ""
    if _integer(item):
        return "service: change of the group", ""
    if _integer(retracted):
        return "deleted message", ""
    if is_audio:
        return "voice message", text
    if attachment:
        mime, _, name = attachment.partition("/")
        subtype, _, name = name.partition("/")
        return attachment_kind(name, f"{mime}/{subtype}"), text
    if text:
        return "text", text
    return ("app message" if balloon else "empty message"), ""


def _integer(value: Any) -> int:
    return value if isinstance(value, int) else 0


def text_of_body(body: Any) -> str:
    """Returns the text of an `attributedBody`, an NSAttributedString as a typed stream; empty if there is none.

    The text follows the class name NSString: a marker, then its length in bytes, then UTF-8. A length above 127 is
    written as 0x81 and two bytes, or 0x82 and four.
    """
    if not isinstance(body, bytes):
        return ""
    start = body.find(b"\x84\x01+", body.find(b"NSString") + 1)
    if start < 0 or b"NSString" not in body:
        return ""
    start += 3
    size = body[start] if start < len(body) else 0
    start += 1
    if size in (0x81, 0x82):
        width = 2 if size == 0x81 else 4
        size = int.from_bytes(body[start : start + width], "little")
        start += width
    return body[start : start + size].decode("utf-8", "replace")
