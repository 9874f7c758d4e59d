"""Archives, links, other encodings, other files: what is read, and what is told."""

from __future__ import annotations

import errno
import json
import logging
import os
import tempfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from autocakechat import RunContext, UserError
from autocakechat.interface import log_file
from tests.sources.exports import (
    ME,
    PARTNER,
    TELEGRAM,
    Json,
    export_json,
    make_account,
    make_chat,
    make_message,
    make_service,
    read,
    write_export,
)

CHAT = make_chat([make_message(1, PARTNER, "hello"), make_message(2, ME, "hi")])
OTHER = make_chat([make_message(1, 5, "moin"), make_message(2, ME, "tach")], id=5)


def write_zip(path: Path, **files: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def texts(path: Path, run: RunContext) -> list[list[str]]:
    return [chat.texts for chat in read(path, run)]


@pytest.mark.parametrize("name", ["ChatExport_2024/result.json", "result.json", "a/b/Result.JSON", "../../result.json"])
@pytest.mark.parametrize("in_folder", [True, False])
def test_a_zip_archive_is_read_as_it_is(tmp_path: Path, run: RunContext, name: str, in_folder: bool) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    archive = write_zip(
        folder / "export.ZIP", **{name: export_json(CHAT), "photos/1.jpg": b"\xff", "photos/x.json": "{"}
    )
    path = folder if in_folder else archive
    assert TELEGRAM.recognises
    assert TELEGRAM.recognises(path)
    assert texts(path, run) == [["hello", "hi"]]
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [archive]  # nothing is unpacked


def test_archives_and_files_are_merged(tmp_path: Path, run: RunContext) -> None:
    newer = make_chat([*CHAT["messages"], make_message(3, PARTNER, "new")])
    write_zip(tmp_path / "a.zip", **{"x/result.json": export_json(CHAT)})
    write_zip(tmp_path / "b.zip", **{"1/result.json": export_json(newer), "2/result.json": json.dumps(OTHER)})
    write_export(tmp_path / "c" / "result.json", make_account(OTHER))
    assert [[text for text in chat if text] for chat in texts(tmp_path, run)] == [
        ["hello", "hi", "new"],
        ["moin", "tach"],
    ]


def test_damaged_and_unsuitable_archives_are_named(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_export(tmp_path / "result.json", CHAT)
    (tmp_path / "cut.zip").write_bytes(
        write_zip(tmp_path / "x", **{"result.json": export_json(OTHER)}).read_bytes()[:90]
    )
    (tmp_path / "x").unlink()
    write_zip(tmp_path / "photos.zip", **{"1.jpg": b"\xff"})
    with caplog.at_level(logging.WARNING):
        assert texts(tmp_path, run) == [["hello", "hi"]]
    assert "cut.zip (cannot be unpacked" in caplog.text
    assert "photos.zip (an archive without an export)" in caplog.text
    with pytest.raises(UserError, match=r"cut\.zip: cannot be unpacked .*; "):
        read(tmp_path / "cut.zip", run)
    with pytest.raises(UserError, match=r"photos\.zip: no export in this archive"):
        read(tmp_path / "photos.zip", run)
    archive = write_zip(tmp_path / "bomb.zip", **{"result.json": export_json(CHAT) + " " * 1_000_000})
    monkeypatch.setattr(log_file, "_MAX_SMALL_SIZE", 100_000)
    with pytest.raises(UserError, match=r"bomb\.zip/result\.json: is compressed more than"):
        read(archive, run)
    (tmp_path / "chat.tar.gz").write_bytes(b"\x1f\x8b\x08\0\0")
    with pytest.raises(UserError, match=r"chat\.tar\.gz: an archive; unpack it"):
        read(tmp_path / "chat.tar.gz", run)
    (tmp_path / "bomb.zip").unlink()
    with caplog.at_level(logging.WARNING):
        assert texts(tmp_path, run) == [["hello", "hi"]]
    assert "chat.tar.gz (an archive; unpack it)" in caplog.text


def test_a_damaged_member_is_one_clear_error(tmp_path: Path, run: RunContext) -> None:
    archive = write_zip(tmp_path / "e.zip", **{"result.json": export_json(make_chat(CHAT["messages"] * 500))})
    content = bytearray(archive.read_bytes())
    content[200:210] = b"\xff" * 10
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"e\.zip/result\.json: cannot be unpacked"):
        read(archive, run)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_without_a_limit_on_their_output_are_refused(
    tmp_path: Path, run: RunContext, compression: int
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", compression) as archive:
        archive.writestr("result.json", export_json(CHAT) + " " * 20_000_000)
    tracemalloc.start()
    with pytest.raises(UserError, match=r"a\.zip/result\.json: is compressed in an unusual way"):
        read(tmp_path / "a.zip", run)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_pipes_are_not_opened(tmp_path: Path, run: RunContext) -> None:
    write_export(tmp_path / "result.json", CHAT)
    for name in ("a.zip", "b.json"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "c").mkdir()
    os.mkfifo(tmp_path / "c" / "result.json")
    assert TELEGRAM.recognises
    assert TELEGRAM.recognises(tmp_path)
    assert texts(tmp_path, run) == [["hello", "hi"]]
    assert not TELEGRAM.recognises(tmp_path / "c")
    with pytest.raises(UserError, match=r"result\.json: not a regular file"):
        read(tmp_path / "c", run)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_not_blamed_on_the_export(
    tmp_path: Path, run: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "a.zip", **{"result.json": export_json(make_chat(CHAT["messages"] * 5000))})
    full = Path("/dev/full").open("r+b", buffering=0)  # noqa: SIM115 - the reader closes it
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: full)
    with pytest.raises(OSError, match="No space") as raised:
        read(archive, run)
    assert raised.value.errno == errno.ENOSPC


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("minified", [True, False])
def test_other_encodings_are_read(tmp_path: Path, run: RunContext, encoding: str, minified: bool) -> None:
    long = make_chat([make_message(number, ME, f"ж😀 {number}") for number in range(1, 3000)])
    content = json.dumps(long, ensure_ascii=False) if minified else export_json(long)
    (tmp_path / "result.json").write_bytes(content.encode(encoding))
    (only,) = texts(tmp_path, run)
    assert only == [f"ж😀 {number}" for number in range(1, 3000)]


def test_links_are_followed_once(tmp_path: Path, run: RunContext) -> None:
    write_export(tmp_path / "else" / "ChatExport" / "result.json", CHAT)
    folder = tmp_path / "tg_data"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "else" / "ChatExport")
    (folder / "again").symlink_to(tmp_path / "else")
    (folder / "circle").symlink_to(folder)
    (folder / "broken.json").symlink_to(tmp_path / "nowhere")
    assert texts(folder, run) == [["hello", "hi"]]


def test_names_in_upper_case_are_found(tmp_path: Path, run: RunContext) -> None:
    (tmp_path / "RESULT.JSON").write_text(export_json(CHAT))
    assert texts(tmp_path, run) == [["hello", "hi"]]


@pytest.mark.parametrize("name", ["chats", "Files", "lists/deep"])
def test_a_folder_named_like_a_media_folder_is_read_if_it_has_an_export(
    tmp_path: Path, run: RunContext, name: str
) -> None:
    write_export(tmp_path / "result.json", CHAT)
    write_export(tmp_path / name / "result.json", OTHER)
    write_export(tmp_path / name / "sent.json", OTHER)
    assert sorted(texts(tmp_path, run)) == [["hello", "hi"], ["moin", "tach"]]


FOREIGN: dict[str, Any] = {
    "empty": "",
    "list": "[1,2,3]",
    "package": '{"name":"x","version":"1.0.0"}',
    "none": '{"messages":"none"}',
    "wrong": '{"messages":[}',
    "finetune": '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}',
    "tdl": '{"id":14,"messages":[{"id":1,"type":"message","file":"a.jpg"}]}',
    "empty account": export_json(make_account()),
}


@pytest.mark.parametrize("other", FOREIGN)
def test_foreign_json_beside_an_export_is_passed_over_with_one_line(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture, other: str
) -> None:
    write_export(tmp_path / "result.json", CHAT)
    (tmp_path / "other.json").write_text(FOREIGN[other])
    with caplog.at_level(logging.WARNING):
        assert [chat for chat in texts(tmp_path, run) if chat] == [["hello", "hi"]]
    (line,) = caplog.messages
    assert "other.json" in line


def test_many_foreign_files_are_one_line(tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    write_export(tmp_path / "result.json", CHAT)
    for number in range(20):
        (tmp_path / f"{number}\x1b.json").write_text("[]")
    with caplog.at_level(logging.WARNING):
        read(tmp_path, run)
    (line,) = caplog.messages
    assert "and 17 more" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (FOREIGN["tdl"], "an export of tdl, which contains no senders"),
        (FOREIGN["finetune"], "a conversation with a language model"),
        ('{"messages": [{"author": 1, "body": "x"}]}', "JSON, but not a Telegram Desktop export"),
    ],
)
def test_the_files_of_other_tools_are_named(tmp_path: Path, run: RunContext, content: str, problem: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(UserError, match=problem):
        read(tmp_path, run)


@pytest.mark.parametrize("document", [make_account(), {"about": "x", "personal_information": {"user_id": 1}}])
@pytest.mark.parametrize("indent", [None, 1])
def test_an_account_without_chats_says_so(tmp_path: Path, run: RunContext, document: Json, indent: int | None) -> None:
    (tmp_path / "result.json").write_text(json.dumps(document, indent=indent))
    with pytest.raises(UserError, match="the export of an account, but without chats"):
        read(tmp_path, run)


@pytest.mark.parametrize("indent", [None, 1, 2, "\t"])
@pytest.mark.parametrize("in_account", [True, False])
def test_a_header_behind_the_messages_is_read(
    tmp_path: Path, run: RunContext, indent: int | str | None, in_account: bool
) -> None:
    reordered = {key: CHAT[key] for key in ("messages", "name", "id", "type")}
    document = make_account(OTHER, reordered) if in_account else reordered
    (tmp_path / "result.json").write_text(json.dumps(document, indent=indent))
    chat = read(tmp_path, run)[-1]
    assert (chat.id, chat.title, chat.kind) == ("user2", "Pat", "personal chat")
    assert [message.outgoing for message in chat.messages] == [False, True]


@pytest.mark.parametrize("text", ["x" * 18_000_000, '\\"{[' * 5_000_000], ids=["plain", "escapes"])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_message_too_large_for_memory_is_dropped_alone(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture, text: str, indent: int | None
) -> None:
    messages = [make_message(1, ME, "a"), make_message(2, PARTNER, text), make_message(3, ME, "b"), make_message(4, ME)]
    document = make_account(make_chat(messages), OTHER)
    (tmp_path / "result.json").write_text(json.dumps(document, indent=indent))
    with caplog.at_level(logging.WARNING):
        large, other = read(tmp_path, run)
    assert large.texts == ["a", "", "b", ""]
    assert large.kinds == ["text", "too large message", "text", "empty message"]
    assert other.texts == ["moin", "tach"]
    assert caplog.messages == ["messages larger than 16 MiB are dropped: 1"]


@pytest.mark.parametrize("account", [True, False])
def test_the_warning_about_one_speaker_fits_the_kind_of_export(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture, account: bool
) -> None:
    group = make_chat(
        [make_message(1, ME, "hi"), make_message(2, ME, "anybody?")], type="private_group", id=9, name="G"
    )
    with caplog.at_level(logging.WARNING):
        read(write_export(tmp_path / "result.json", make_account(group) if account else group), run)
    (line,) = caplog.messages
    assert ("the export of an account omits" in line) == account
    assert "G" in line


def group_and_supergroup() -> tuple[Json, Json]:
    old = [
        make_service(7, 5, "create_group", at=0),
        make_message(8, 5, "old", at=1),
        make_message(9, ME, "yes", at=2, reply_to_message_id=8),
        make_service(10, 5, "migrate_to_supergroup", at=3),
    ]
    moved = [{**message, "id": message["id"] - 10**9} for message in old[:3]]
    moved[2]["reply_to_message_id"] = 8 - 10**9
    new = [make_service(1, 5, "migrate_from_group", at=4), make_message(2, 5, "new", at=5)]
    return (
        make_chat(old, type="private_group", id=9, name="G"),
        make_chat([*moved, *new], type="private_supergroup", id=500, name="G"),
    )


@pytest.mark.parametrize("form", ["files", "swapped files", "account", "swapped account"])
def test_a_group_and_its_later_supergroup_count_once(tmp_path: Path, run: RunContext, form: str) -> None:
    chats = group_and_supergroup()
    first, second = chats[::-1] if "swapped" in form else chats
    if "account" in form:
        write_export(tmp_path / "result.json", make_account(first, second))
    else:
        write_export(tmp_path / "1" / "result.json", first)
        write_export(tmp_path / "2" / "result.json", second)
    read_chats = read(tmp_path, run)
    assert sorted(text for chat in read_chats for text in chat.texts if text) == ["new", "old", "yes"]
    kinds = [kind for chat in read_chats for kind in chat.kinds]
    assert kinds.count("duplicate in another export") == 3
    assert len(kinds) == 9
