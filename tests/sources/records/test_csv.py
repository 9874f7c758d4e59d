"""The source `csv`: one message a row."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autocakechat import Message, RunContext, UserError
from autocakechat.plugins.sources.records.csv import acc_sources, conversion
from autocakechat.plugins.sources.records.csv.options import CsvOptions

(SOURCE,) = acc_sources()
Read = Callable[..., dict[str, list[Message]]]


@pytest.fixture
def read(tmp_path: Path, acc_run: RunContext) -> Read:
    def read(content: str | bytes, name: str = "log.csv", **options: Any) -> dict[str, list[Message]]:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        config = CsvOptions(path=tmp_path / name, **options)
        (entry,) = SOURCE.inputs(config)
        return {chat.id: list(chat.messages) for chat in SOURCE.read(config, entry, acc_run)}

    return read


ROWS = (
    "chat{0}id{0}sender{0}name{0}time{0}text{0}reply_to{0}own_words\n"
    'c{0}1{0}5{0}Ann{0}2023-11-14T22:13:20Z{0}"one{0} ""two""\nthree"{0}{0}\n'
    "d{0}2{0}6{0}{0}1700000001{0}{0}{0}\n"
    "c{0}3{0}6{0}{0}1700000002{0}yes{0}1{0}false\n"
)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_named_columns_are_read(delimiter: str, read: Read) -> None:
    assert read(ROWS.format(delimiter)) == {
        "c": [
            Message(1, "5", "Ann", f'one{delimiter} "two"\nthree', 1_700_000_000, position=0),
            Message(3, "6", None, "yes", 1_700_000_002, 1, own_words=False, position=1),
        ],
        "d": [Message(2, "6", None, "", 1_700_000_001, kind="empty message", position=0)],
    }


def test_every_row_before_the_damage_is_used(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    packed = gzip.compress(ROWS.format(",").encode())
    assert [len(messages) for messages in read(packed[:-8], "log.csv.gz").values()] == [2, 1]
    assert "the file is damaged or truncated" in caplog.text


def test_columns_with_other_names_are_mapped(read: Read) -> None:
    content = "AuthorID,Author,Date,Content,Attachments\n5,ann,2023-11-14T23:13:20,hi,\n6,bob,2023-11-14T23:14:20,yo,\n"
    columns = {"sender": "AuthorID", "name": "author", "time": "Date", "text": "Content"}
    (chat,) = read(content, "Old friends.csv", columns=columns, timezone="Europe/Berlin").items()
    assert chat[0] == "Old friends"
    assert [(m.sender, m.sender_name, m.text, m.sent) for m in chat[1]] == [
        ("5", "ann", "hi", 1_700_000_000),
        ("6", "bob", "yo", 1_700_000_060),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_of_a_spreadsheet_are_read(encoding: str, read: Read) -> None:
    (messages,) = read("sender;time;text\r\nann;1;süß 😀\r\n".encode(encoding)).values()
    assert [m.text for m in messages] == ["süß 😀"]


def test_a_row_that_is_no_message_is_counted(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    (messages,) = read("sender,time,text\nann,1,hi\nann\n\nann,soon,hi\nann,4,hi\n").values()
    assert [m.kind for m in messages] == ["text", "damaged message", "damaged message", "text"]
    assert "2 more" not in caplog.text
    assert "1 more line is not a message" in caplog.text


@pytest.mark.parametrize(
    ("content", "options", "problem"),
    [
        ("", {}, "the file is empty"),
        ("a,b\n1,2\n", {}, "the table has no column 'sender'; its columns are 'a', 'b'"),
        ("sender,time,text\n", {"columns": {"text": "Content"}}, "the table has no column 'Content'"),
        ('{"a": 1}', {}, "not a table"),
    ],
)
def test_other_files_are_refused_in_one_line(
    content: str, options: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    (tmp_path / "log.csv").write_text(content)
    with pytest.raises(UserError) as raised:
        SOURCE.inputs(CsvOptions(path=tmp_path / "log.csv", **options))
    assert problem in str(raised.value)
    assert "columns = {" in raised.value.hint


def test_a_row_that_is_too_long_for_memory_is_cut(
    tmp_path: Path, acc_run: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "MAX_LINE", 100_000)
    log = tmp_path / "log.csv"
    log.write_text(f"sender,time,text\nann,1700000000,hi\nann,1700000001,{'x' * 20_000_000}\nbob,1700000002,yes\n")
    (entry,) = SOURCE.inputs(CsvOptions(path=log))
    tracemalloc.start()
    (messages,) = (list(chat.messages) for chat in SOURCE.read(CsvOptions(path=log), entry, acc_run))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    said = [message.text for message in messages if message.text]
    assert (said[0], said[-1]) == ("hi", "yes")
    assert max(map(len, said)) <= 100_000
    assert peak < 10_000_000
