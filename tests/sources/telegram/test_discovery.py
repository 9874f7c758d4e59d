"""Finding exports, refusing other files, and merging several exports of one chat."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from autocakechat import Input, RunContext, UserError
from autocakechat.plugins.sources.telegram.options import TelegramOptions
from tests.sources.exports import (
    ME,
    PARTNER,
    START,
    TELEGRAM,
    Json,
    make_account,
    make_chat,
    make_message,
    read,
    write_export,
)


def inputs(path: Path) -> list[Input]:
    return list(TELEGRAM.inputs(TelegramOptions(path=path)))


def input_names(path: Path) -> list[str]:
    return [found.name for found in inputs(path)]


def test_exports_are_found_at_any_depth_and_sorted_by_name(tmp_path: Path) -> None:
    for number, folder in enumerate(["ChatExport_2024-01-02", "a/b/ChatExport_2024-01-01 (2)", "."]):
        write_export(tmp_path / folder / "result.json", make_chat([], id=number + 5))
    write_export(tmp_path / "renamed.json", make_chat([], id=99))
    assert input_names(tmp_path) == [
        "ChatExport_2024-01-02/result.json",
        "a/b/ChatExport_2024-01-01 (2)/result.json",
        "renamed.json",
        "result.json",
    ]


def test_media_and_other_json_are_ignored(tmp_path: Path) -> None:
    write_export(tmp_path / "result.json", make_chat([]))
    write_export(tmp_path / "files" / "sent.json", make_chat([]))
    write_export(tmp_path / "chats" / "chat_01" / "files" / "x.json", make_chat([]))
    (tmp_path / "settings.json").write_text('{"a": 1}')
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(b"\xff")
    assert input_names(tmp_path) == ["result.json"]


EXPORT_HINT = "choose Export chat history .* 'Machine-readable JSON'"

OTHER_FILES = {
    "nothing": (b"", "the file is empty"),
    "blanks": (b" \n", "the file is empty"),
    "text": (b"hello", "not JSON"),
    "bytes": (b"\x00\x01\xff", "not JSON"),
    "html": (b"<!DOCTYPE html>\n<html><head><title>Exported Data</title>", "an HTML export"),
    "json": (b'{"a": 1}', "JSON, but not a Telegram Desktop export"),
    "list": (b"[1, 2]", "JSON, but not a Telegram Desktop export"),
    "facebook": (
        b'{"participants": [{"name": "A"}], "messages": [{"sender_name": "A"}]}',
        "a Facebook export, not a Telegram Desktop export",
    ),
    "discord": (b'{"guild": {"id": "1"}, "messages": [{"type": "Default"}]}', "a Discord export"),
    "telethon": (b'[{"_": "Message", "id": 1, "peer_id": {"_": "PeerUser"}}]', "a Telethon or Pyrogram dump"),
    "telethon types": (b'{"messages": [{"_": "types.Message", "id": 1}]}', "a Telethon or Pyrogram dump"),
    "bot api": (b'[{"update_id": 1, "message": {"message_id": 5, "chat": {"id": 1}}}]', "a list of Bot API updates"),
    "telegram-cli": (b'{"event": "message", "from": {"print_name": "A"}}', "a telegram-cli dump"),
}


@pytest.mark.parametrize("other", OTHER_FILES)
@pytest.mark.parametrize("as_folder", [False, True])
def test_other_files_are_refused(tmp_path: Path, other: str, as_folder: bool) -> None:
    content, problem = OTHER_FILES[other]
    path = tmp_path / "result.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"result\.json: {problem}.*{EXPORT_HINT}"):
        inputs(tmp_path if as_folder else path)
    assert TELEGRAM.recognises
    assert not TELEGRAM.recognises(tmp_path if as_folder else path)


def test_a_folder_with_an_html_export_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "ChatExport").mkdir()
    (tmp_path / "ChatExport" / "messages.html").write_text("<!DOCTYPE html>")
    with pytest.raises(UserError, match=rf"messages\.html: an HTML export.*{EXPORT_HINT}"):
        inputs(tmp_path)


def test_html_pages_beside_json_are_ignored(tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    write_export(tmp_path / "result.json", make_chat([make_message(1, ME, "a")]))
    (tmp_path / "messages.html").write_text("<!DOCTYPE html>")
    assert [chat.texts for chat in read(tmp_path, run)] == [["a"]]
    assert not caplog.text


def test_unusable_exports_among_good_ones_cause_a_warning(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    write_export(tmp_path / "good" / "result.json", make_chat([make_message(1, ME, "a")]))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "result.json").write_bytes(b"")
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "messages.html").write_text("<html>")
    with caplog.at_level(logging.WARNING):
        assert [chat.texts for chat in read(tmp_path, run)] == [["a"]]
    assert "empty/result.json: the file is empty" in caplog.text
    assert "html/messages.html: an HTML export" in caplog.text


def test_missing_exports_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        inputs(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no export in this folder"):
        inputs(tmp_path)


def test_recognises_never_raises(tmp_path: Path) -> None:
    assert TELEGRAM.recognises
    assert not TELEGRAM.recognises(tmp_path / "nowhere")
    assert not TELEGRAM.recognises(tmp_path)
    write_export(tmp_path / "a" / "result.json", make_chat([]))
    assert TELEGRAM.recognises(tmp_path)
    assert TELEGRAM.recognises(tmp_path / "a" / "result.json")


def test_an_export_truncated_in_its_header_is_recognised(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "result.json").write_bytes(b'{\n "name": "Pat",\n "type": "pers')
    assert read(tmp_path, run) == []
    assert "the export is truncated" in caplog.text


OLD = make_chat([make_message(1, ME, "one"), make_message(2, PARTNER, "two"), make_message(3, ME, "threee")])
NEW = make_chat(
    [
        make_message(2, PARTNER, "two"),
        make_message(3, ME, "three", edited_unixtime="1800000000"),
        make_message(4, ME, "four"),
    ]
)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("form", ["single chats", "accounts", "both", "minified"])
def test_exports_of_one_chat_at_different_times_are_merged(
    tmp_path: Path, run: RunContext, swapped: bool, form: str
) -> None:
    first, second = (NEW, OLD) if swapped else (OLD, NEW)
    write_export(tmp_path / "1" / "result.json", make_account(first) if form == "accounts" else first)
    if form == "minified":
        (tmp_path / "2").mkdir()
        (tmp_path / "2" / "result.json").write_text(json.dumps(second, separators=(",", ":")))
    else:
        write_export(tmp_path / "2" / "result.json", make_account(second) if form in ("accounts", "both") else second)
    assert input_names(tmp_path) == ["1/result.json and 1 more"]
    (only,) = read(tmp_path, run)
    assert only.id == "user2"
    assert [text for text in only.texts if text] == ["one", "two", "three", "four"]
    assert only.kinds.count("duplicate in another export") == 2
    assert {(message.sender, message.outgoing) for message in only.messages if message.text} == {
        ("user1", True),
        ("user2", False),
    }


def test_chats_of_several_account_exports_are_read_once(tmp_path: Path, run: RunContext) -> None:
    other = make_chat([make_message(9, 7, "else"), make_message(10, ME, "where")], id=7)
    group = make_chat([make_message(20, 8, "hi"), make_message(21, ME, "ho")], id=9, type="private_group")
    write_export(tmp_path / "1" / "result.json", make_account(OLD, other))
    write_export(
        tmp_path / "2" / "result.json",
        make_account(NEW, left=[make_chat([make_message(1, ME, "x")], id=5, type="public_channel")]),
    )
    write_export(tmp_path / "3" / "result.json", group)
    chats = read(tmp_path, run)
    assert [chat.id for chat in chats] == ["user2", "user7", "channel5", "chat9"]
    assert chats[1].texts == ["else", "where"]
    # The owner of the accounts is also the owner of the group that was exported alone.
    assert [message.outgoing for message in chats[3].messages] == [False, True]


def test_single_chats_are_separate_inputs(tmp_path: Path) -> None:
    write_export(tmp_path / "1" / "result.json", OLD)
    write_export(tmp_path / "2" / "result.json", make_chat([], id=5))
    assert input_names(tmp_path) == ["1/result.json", "2/result.json"]


def test_an_export_with_shifted_ids_is_merged_with_a_current_one(tmp_path: Path, run: RunContext) -> None:
    def shifted(old: Json) -> Json:
        numbers = {"user1": (1 << 32) + 1, "user2": (1 << 32) + 2}
        messages = [{**message, "from_id": numbers[message["from_id"]]} for message in old["messages"]]
        for message in messages:
            del message["date_unixtime"]
        return {**old, "id": (1 << 32) + 2, "messages": messages}

    write_export(tmp_path / "1" / "result.json", shifted(OLD))
    write_export(tmp_path / "2" / "result.json", NEW)
    (only,) = read(tmp_path, run)
    assert [text for text in only.texts if text] == ["one", "two", "three", "four"]


def test_two_owners_who_chat_with_the_same_person_are_two_chats(tmp_path: Path, run: RunContext) -> None:
    write_export(
        tmp_path / "1" / "result.json", make_chat([make_message(1, ME, "mine"), make_message(2, PARTNER, "to me")])
    )
    write_export(
        tmp_path / "2" / "result.json", make_chat([make_message(1, 5, "hers"), make_message(2, PARTNER, "to her")])
    )
    assert [(chat.id, chat.texts) for chat in read(tmp_path, run)] == [
        ("user2@user1", ["mine", "to me"]),
        ("user2@user5", ["hers", "to her"]),
    ]


def test_merging_keeps_the_order_of_descending_ids(tmp_path: Path, run: RunContext) -> None:
    old = make_chat([make_message(number, ME, f"{number}", at=0) for number in (-5, 9, 3, 4)])
    new = make_chat([make_message(number, ME, f"{number}", at=0) for number in (-5, 9, 3, 4, 12, 10)])
    write_export(tmp_path / "1" / "result.json", old)
    write_export(tmp_path / "2" / "result.json", new)
    (only,) = read(tmp_path, run)
    assert [text for text in only.texts if text] == ["-5", "9", "3", "4", "12", "10"]
    assert only.kinds.count("duplicate in another export") == 4


def test_messages_of_the_former_group_precede_those_of_the_supergroup(tmp_path: Path, run: RunContext) -> None:
    document = make_chat(
        [
            make_message(-999999990, ME, "old", at=0),
            make_message(-999999989, 5, "yes", at=1, reply_to_message_id=-999999990),
            make_message(1, ME, "new", at=2),
        ],
        type="private_supergroup",
        id=9,
    )
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert [(message.id, message.reply_to) for message in only.messages] == [
        (-999999990, None),
        (-999999989, -999999990),
        (1, None),
    ]
    assert only.messages[0].sent == START


def test_an_export_without_ids_causes_a_warning(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    nameless = make_message(1, ME, "a")
    del nameless["from_id"]
    (only,) = read(write_export(tmp_path / "result.json", make_chat([nameless])), run)
    assert [(message.sender, message.sender_name, message.own_words) for message in only.messages] == [
        ("", "Person 1", False)
    ]
    assert "contains no user ids" in caplog.text
