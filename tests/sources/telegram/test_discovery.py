"""Where exports are found, what is said of files that are none, and how exports of one chat become one."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from autocakechat import Input, RunContext, UserError
from autocakechat.plugins.sources.telegram.options import TelegramOptions
from tests.sources.exports import ME, PARTNER, START, TELEGRAM, Json, account, chat, message, read, write


def inputs(path: Path) -> list[Input]:
    return list(TELEGRAM.inputs(TelegramOptions(path=path)))


def test_exports_are_found_at_any_depth_in_the_order_of_their_names(tmp_path: Path) -> None:
    for number, place in enumerate(["ChatExport_2024-01-02", "a/b/ChatExport_2024-01-01 (2)", "."]):
        write(tmp_path / place / "result.json", chat([], id=number + 5))
    write(tmp_path / "renamed.json", chat([], id=99))
    assert [found.name for found in inputs(tmp_path)] == [
        "ChatExport_2024-01-02/result.json",
        "a/b/ChatExport_2024-01-01 (2)/result.json",
        "renamed.json",
        "result.json",
    ]


def test_media_and_other_json_are_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path / "result.json", chat([]))
    write(tmp_path / "files" / "result.json", chat([]))
    write(tmp_path / "chats" / "chat_01" / "files" / "x.json", chat([]))
    (tmp_path / "settings.json").write_text('{"a": 1}')
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(b"\xff")
    assert [found.name for found in inputs(tmp_path)] == ["result.json"]


EXPORT_AGAIN = "choose Export chat history .* 'Machine-readable JSON'"

OTHERS = {
    "nothing": (b"", "the file is empty"),
    "blanks": (b" \n", "the file is empty"),
    "text": (b"hello", "not JSON"),
    "bytes": (b"\x00\x01\xff", "not JSON"),
    "html": (b"<!DOCTYPE html>\n<html><head><title>Exported Data</title>", "an HTML export"),
    "json": (b'{"a": 1}', "JSON, but no export of Telegram Desktop"),
    "list": (b"[1, 2]", "JSON, but no export of Telegram Desktop"),
    "facebook": (b'{"participants": [{"name": "A"}], "messages": [{"sender_name": "A"}]}', "an export of Facebook"),
    "discord": (b'{"guild": {"id": "1"}, "messages": [{"type": "Default"}]}', "an export of Discord"),
    "telethon": (b'[{"_": "Message", "id": 1, "peer_id": {"_": "PeerUser"}}]', "a dump of Telethon or Pyrogram"),
    "telethon types": (b'{"messages": [{"_": "types.Message", "id": 1}]}', "a dump of Telethon or Pyrogram"),
    "bot api": (b'[{"update_id": 1, "message": {"message_id": 5, "chat": {"id": 1}}}]', "updates of the Bot API"),
    "telegram-cli": (b'{"event": "message", "from": {"print_name": "A"}}', "a dump of telegram-cli"),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("as_folder", [False, True])
def test_other_files_are_told_from_exports(tmp_path: Path, other: str, as_folder: bool) -> None:
    content, what = OTHERS[other]
    path = tmp_path / "result.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"result\.json: {what}.*{EXPORT_AGAIN}"):
        inputs(tmp_path if as_folder else path)
    assert TELEGRAM.recognises
    assert not TELEGRAM.recognises(tmp_path if as_folder else path)


def test_a_folder_of_html_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "ChatExport").mkdir()
    (tmp_path / "ChatExport" / "messages.html").write_text("<!DOCTYPE html>")
    with pytest.raises(UserError, match=rf"messages\.html: an HTML export.*{EXPORT_AGAIN}"):
        inputs(tmp_path)


def test_html_beside_json_does_no_harm(tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "result.json", chat([message(1, ME, "a")]))
    (tmp_path / "messages.html").write_text("<!DOCTYPE html>")
    assert [each.texts for each in read(tmp_path, run)] == [["a"]]
    assert not caplog.text


def test_unusable_exports_among_good_ones_are_warned_of(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "good" / "result.json", chat([message(1, ME, "a")]))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "result.json").write_bytes(b"")
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "messages.html").write_text("<html>")
    with caplog.at_level(logging.WARNING):
        assert [each.texts for each in read(tmp_path, run)] == [["a"]]
    assert "empty/result.json: the file is empty" in caplog.text
    assert "html/messages.html: an HTML export" in caplog.text


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        inputs(tmp_path / "nowhere")
    with pytest.raises(UserError, match="there is no export in this folder"):
        inputs(tmp_path)


def test_recognising_never_fails(tmp_path: Path) -> None:
    assert TELEGRAM.recognises
    assert not TELEGRAM.recognises(tmp_path / "nowhere")
    assert not TELEGRAM.recognises(tmp_path)
    write(tmp_path / "a" / "result.json", chat([]))
    assert TELEGRAM.recognises(tmp_path)
    assert TELEGRAM.recognises(tmp_path / "a" / "result.json")


def test_an_export_cut_off_in_its_head_is_still_one(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "result.json").write_bytes(b'{\n "name": "Pat",\n "type": "pers')
    assert read(tmp_path, run) == []
    assert "the export is cut off" in caplog.text


OLD = chat([message(1, ME, "one"), message(2, PARTNER, "two"), message(3, ME, "threee")])
NEW = chat([message(2, PARTNER, "two"), message(3, ME, "three", edited_unixtime="1800000000"), message(4, ME, "four")])


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("form", ["single chats", "accounts", "both", "minified"])
def test_exports_of_one_chat_at_different_times_are_one_chat(
    tmp_path: Path, run: RunContext, swapped: bool, form: str
) -> None:
    first, second = (NEW, OLD) if swapped else (OLD, NEW)
    write(tmp_path / "1" / "result.json", account(first) if form == "accounts" else first)
    if form == "minified":
        (tmp_path / "2").mkdir()
        (tmp_path / "2" / "result.json").write_text(json.dumps(second, separators=(",", ":")))
    else:
        write(tmp_path / "2" / "result.json", account(second) if form in ("accounts", "both") else second)
    assert [found.name for found in inputs(tmp_path)] == ["1/result.json and 1 more"]
    (only,) = read(tmp_path, run)
    assert only.id == "user2"
    assert [text for text in only.texts if text] == ["one", "two", "three", "four"]
    assert only.kinds.count("duplicate in another export") == 2
    assert {(each.sender, each.outgoing) for each in only.messages if each.text} == {("user1", True), ("user2", False)}


def test_chats_of_several_accounts_files_are_each_read_once(tmp_path: Path, run: RunContext) -> None:
    other = chat([message(9, 7, "else"), message(10, ME, "where")], id=7)
    group = chat([message(20, 8, "hi"), message(21, ME, "ho")], id=9, type="private_group")
    write(tmp_path / "1" / "result.json", account(OLD, other))
    write(tmp_path / "2" / "result.json", account(NEW, left=[chat([message(1, ME, "x")], id=5, type="public_channel")]))
    write(tmp_path / "3" / "result.json", group)
    found = read(tmp_path, run)
    assert [each.id for each in found] == ["user2", "user7", "channel5", "chat9"]
    assert found[1].texts == ["else", "where"]
    # Who owns the account tells who owns the group that was exported alone.
    assert [each.outgoing for each in found[3].messages] == [False, True]


def test_single_chats_stay_inputs_of_their_own(tmp_path: Path) -> None:
    write(tmp_path / "1" / "result.json", OLD)
    write(tmp_path / "2" / "result.json", chat([], id=5))
    assert [found.name for found in inputs(tmp_path)] == ["1/result.json", "2/result.json"]


def test_an_old_export_and_a_new_one_of_the_same_chat_meet(tmp_path: Path, run: RunContext) -> None:
    def shifted(old: Json) -> Json:
        numbers = {"user1": (1 << 32) + 1, "user2": (1 << 32) + 2}
        messages = [{**each, "from_id": numbers[each["from_id"]]} for each in old["messages"]]
        for each in messages:
            del each["date_unixtime"]
        return {**old, "id": (1 << 32) + 2, "messages": messages}

    write(tmp_path / "1" / "result.json", shifted(OLD))
    write(tmp_path / "2" / "result.json", NEW)
    (only,) = read(tmp_path, run)
    assert [text for text in only.texts if text] == ["one", "two", "three", "four"]


def test_two_owners_who_chat_with_the_same_person_are_two_chats(tmp_path: Path, run: RunContext) -> None:
    write(tmp_path / "1" / "result.json", chat([message(1, ME, "mine"), message(2, PARTNER, "to me")]))
    write(tmp_path / "2" / "result.json", chat([message(1, 5, "hers"), message(2, PARTNER, "to her")]))
    assert [(each.id, each.texts) for each in read(tmp_path, run)] == [
        ("user2@user1", ["mine", "to me"]),
        ("user2@user5", ["hers", "to her"]),
    ]


def test_merging_keeps_the_order_of_ids_that_go_down(tmp_path: Path, run: RunContext) -> None:
    old = chat([message(number, ME, f"{number}", at=0) for number in (-5, 9, 3, 4)])
    new = chat([message(number, ME, f"{number}", at=0) for number in (-5, 9, 3, 4, 12, 10)])
    write(tmp_path / "1" / "result.json", old)
    write(tmp_path / "2" / "result.json", new)
    (only,) = read(tmp_path, run)
    assert [text for text in only.texts if text] == ["-5", "9", "3", "4", "12", "10"]
    assert only.kinds.count("duplicate in another export") == 4


def test_the_old_group_of_a_supergroup_comes_first(tmp_path: Path, run: RunContext) -> None:
    document = chat(
        [
            message(-999999990, ME, "old", at=0),
            message(-999999989, 5, "yes", at=1, reply_to_message_id=-999999990),
            message(1, ME, "new", at=2),
        ],
        type="private_supergroup",
        id=9,
    )
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert [(each.id, each.reply_to) for each in only.messages] == [
        (-999999990, None),
        (-999999989, -999999990),
        (1, None),
    ]
    assert only.messages[0].sent == START


def test_an_export_without_ids_is_warned_of(tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    nameless = message(1, ME, "a")
    del nameless["from_id"]
    (only,) = read(write(tmp_path / "result.json", chat([nameless])), run)
    assert [(each.sender, each.sender_name, each.own_words) for each in only.messages] == [("", "Person 1", False)]
    assert "tells nobody's id" in caplog.text
