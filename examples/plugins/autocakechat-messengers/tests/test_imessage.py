"""iMessage: the database of macOS."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from autocakechat import RunContext

sys.path.insert(0, str(Path(__file__).parent))
from autocakechat_messengers.imessage.database import text_of_body
from exports import SCHEMA, START, attributed_body, imessage_row, write_imessage_rows
from reading import kinds, read_chats, read_one


def test_every_kind_of_message_is_counted(tmp_path: Path, acc_run: RunContext) -> None:
    rows = [
        imessage_row(0, "bob", "hi"),
        imessage_row(1, "ann", attributedBody=attributed_body("hello 👋 " * 30), thread_originator_guid="guid-1"),
        imessage_row(2, "ann", "\ufffcmy cat"),
        imessage_row(3, "ann", "Loved “hi”", associated_message_type=2000),
        imessage_row(4, "bob", item_type=2),
        imessage_row(5, "bob", "oops", date_retracted=5),
        imessage_row(6, "bob", "\ufffc", is_audio_message=1),
        imessage_row(7, "bob", balloon_bundle_id="com.apple.game"),
        imessage_row(8, "bob"),
    ]
    attachments = "INSERT INTO attachment VALUES (1, 'image/heic', 'a.heic');"
    attachments += "INSERT INTO message_attachment_join VALUES (3, 1);"
    path = tmp_path / write_imessage_rows(tmp_path, rows, statements=attachments)
    result = read_one("imessage", path, acc_run)
    assert kinds(result) == [
        ("text", "hi", True),
        ("text", ("hello 👋 " * 30).strip(), True),
        ("photo", "my cat", True),
        ("service: reaction", "", True),
        ("service: change of the group", "", True),
        ("deleted message", "", True),
        ("voice message", "", True),
        ("app message", "", True),
        ("empty message", "", True),
    ]
    assert result[1].reply_to == result[0].id
    assert [(m.sender, m.outgoing, m.sent) for m in result[:2]] == [
        ("+15550100", False, START),
        ("owner", True, START + 60),
    ]


def test_a_database_of_an_old_version_is_read(tmp_path: Path, acc_run: RunContext) -> None:
    with closing(sqlite3.connect(tmp_path / "chat.db")) as database:
        old = SCHEMA.replace(", thread_originator_guid", "").replace("thread_originator_guid TEXT, ", "")
        database.executescript(old.replace(", is_audio_message INTEGER", "").replace("attributedBody BLOB, ", ""))
        seconds = START - 978_307_200
        database.execute(
            "INSERT INTO message (ROWID, text, handle_id, date, is_from_me) VALUES (1, 'hi', 1, ?, 0)", [seconds]
        )
        database.execute("INSERT INTO chat VALUES (2, 'SMS;-;+15550100', 45, '+15550100', '')")
        database.execute("INSERT INTO chat_message_join VALUES (1, 1), (2, 1)")
        database.commit()
    result = read_one("imessage", tmp_path, acc_run)
    assert [(message.text, message.sent, message.kind) for message in result] == [
        ("hi", START, "text"),
        ("", START, "duplicate message"),
    ]


def test_messages_in_the_write_ahead_log_are_read(tmp_path: Path, acc_run: RunContext) -> None:
    write_imessage_rows(tmp_path, [imessage_row(0, "bob", "hi")])
    with closing(sqlite3.connect(tmp_path / "chat.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("INSERT INTO message (ROWID, text, handle_id, date) VALUES (2, 'new', 1, 1)")
        database.execute("INSERT INTO chat_message_join VALUES (1, 2)")
        database.commit()
        before = {path.name: path.read_bytes() for path in tmp_path.glob("chat.db*") if not path.name.endswith("shm")}
        ((_, result),) = read_chats("imessage", tmp_path / "chat.db", acc_run)
        assert sorted(message.text for message in result) == ["hi", "new"]
        after = {path.name: path.read_bytes() for path in tmp_path.glob("chat.db*") if not path.name.endswith("shm")}
        assert after == before


@given(st.text(max_size=300))
def test_any_text_of_an_attributed_body_is_read(text: str) -> None:
    assert text_of_body(attributed_body(text)) == text


@given(st.binary(max_size=80))
def test_any_bytes_are_no_error(content: bytes) -> None:
    assert isinstance(text_of_body(b"NSString\x01\x94\x84\x01+" + content), str)
