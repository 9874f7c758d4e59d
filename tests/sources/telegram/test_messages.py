"""The text, kind, sender and time of messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autocakechat import RunContext
from tests.sources.exports import (
    ME,
    PARTNER,
    START,
    export_json,
    make_account,
    make_chat,
    make_message,
    make_service,
    read,
    write_export,
)


def test_attributes_of_a_message(tmp_path: Path, run: RunContext) -> None:
    document = make_chat(
        [make_message(7, ME, "hello", at=5), make_message(8, PARTNER, "hi", at=9, reply_to_message_id=7)]
    )
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert (only.id, only.title, only.kind, only.skip) == ("user2", "Pat", "personal chat", None)
    mine, theirs = only.messages
    assert (mine.id, mine.sender, mine.sender_name, mine.text) == (7, "user1", "Person 1", "hello")
    assert (mine.sent, mine.reply_to, mine.kind) == (START + 5, None, "text")
    assert (mine.own_words, mine.outgoing, mine.position) == (True, True, 0)
    assert (theirs.reply_to, theirs.outgoing, theirs.position) == (7, False, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ([{"type": "bold", "text": "all"}], "all"),
        (["see ", {"type": "link", "text": "http://a.b"}, " and ", {"type": "mention", "text": "@c"}, ""], None),
        (["ж ", {"type": "custom_emoji", "text": "😮", "document_id": "video_files/x.webm"}, ""], "ж 😮"),
        (["a", {"type": "mention_name", "text": "B", "user_id": 5}, {"type": "new", "text": "c", "more": [1]}], "aBc"),
    ],
)
def test_the_parts_of_a_text_are_joined_without_separator(
    tmp_path: Path, run: RunContext, text: Any, expected: str | None
) -> None:
    (only,) = read(write_export(tmp_path / "result.json", make_chat([make_message(1, ME, text)])), run)
    assert only.texts == [expected or "see http://a.b and @c"]


def test_text_entities_replace_a_missing_text(tmp_path: Path, run: RunContext) -> None:
    bare = make_message(1, ME, ["a ", {"type": "bold", "text": "b"}])
    del bare["text"]
    (only,) = read(write_export(tmp_path / "result.json", make_chat([bare, make_message(2, PARTNER, "c")])), run)
    assert only.texts == ["a b", "c"]


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({"photo": "photos/1.jpg", "width": 1, "height": 1}, "photo"),
        ({"photo": "(File not included. Change data exporting settings to download.)"}, "photo"),
        ({"file": "a.pdf", "mime_type": "application/pdf"}, "file"),
        ({"file": "a.webp", "media_type": "sticker", "sticker_emoji": "😀"}, "sticker"),
        ({"file": "a.mp4", "media_type": "video_message"}, "video message"),
        ({"file": "a.ogg", "media_type": "voice_message"}, "voice message"),
        ({"file": "a.mp4", "media_type": "animation"}, "animation"),
        ({"file": "a.mp4", "media_type": "video_file"}, "video"),
        ({"file": "a.mp3", "media_type": "audio_file"}, "audio"),
        ({"file": "a", "media_type": "hologram_of_tomorrow"}, "hologram of tomorrow"),
        ({"poll": {"question": ["a", {"type": "bold", "text": "b"}], "answers": []}}, "poll"),
        ({"contact_information": {"first_name": "A"}, "contact_vcard": "contacts/a.vcf"}, "contact"),
        ({"location_information": {"latitude": 1.5, "longitude": 2.5}}, "location"),
        ({"location_information": None}, "location"),
        ({"game_title": "Chess", "game_link": "x"}, "game"),
        ({"invoice_information": '{\n "title": "T"\n}'}, "invoice"),
        ({"todo_list": {"title": "t", "answers": []}}, "to-do list"),
        ({"giveaway_information": {}}, "giveaway"),
        ({}, "empty message"),
    ],
)
def test_kinds_of_messages_without_text(tmp_path: Path, run: RunContext, keys: dict[str, Any], kind: str) -> None:
    (only,) = read(write_export(tmp_path / "result.json", make_chat([make_message(1, ME, "", **keys)])), run)
    assert [(message.kind, message.text) for message in only.messages] == [(kind, "")]


def test_a_caption_is_the_text(tmp_path: Path, run: RunContext) -> None:
    (only,) = read(
        write_export(tmp_path / "result.json", make_chat([make_message(1, ME, "look", photo="photos/1.jpg")])), run
    )
    assert [(message.kind, message.text, message.own_words) for message in only.messages] == [("photo", "look", True)]


@pytest.mark.parametrize(("sticker_emoji", "text"), [(True, "😀"), (False, "")])
def test_the_emoji_of_a_sticker_is_its_text_if_the_option_is_set(
    tmp_path: Path, run: RunContext, sticker_emoji: bool, text: str
) -> None:
    sticker = make_message(1, ME, "", file="a.webp", media_type="sticker", sticker_emoji="😀")
    (only,) = read(write_export(tmp_path / "result.json", make_chat([sticker])), run, sticker_emoji=sticker_emoji)
    assert only.texts == [text]


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({"forwarded_from": "Someone"}, "forward"),
        ({"forwarded_from": None}, "forward"),
        ({"forwarded_from_id": "user5"}, "forward"),
        ({"via_bot": "@gif"}, "via bot"),
        ({"from": "Team", "from_id": "channel9", "author": "boss"}, "channel post"),
        ({"forwarded_from": "Someone", "photo": "a.jpg"}, "forward"),
    ],
)
def test_texts_by_others_are_not_the_senders_own_words(
    tmp_path: Path, run: RunContext, keys: dict[str, Any], kind: str
) -> None:
    document = make_chat([make_message(1, ME, "their words", **keys)], type="private_supergroup")
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert [(message.kind, message.own_words, message.text) for message in only.messages] == [
        (kind, False, "their words")
    ]


def test_kinds_of_service_messages(tmp_path: Path, run: RunContext) -> None:
    document = make_chat(
        [
            make_service(1, ME, "phone_call", duration_seconds=5),
            {**make_service(2, ME, "x"), "information_text": "custom"},
            {"id": 3, "type": "unsupported"},
            {"id": 4, "type": "hologram", "date_unixtime": str(START)},
        ]
    )
    del document["messages"][1]["action"]
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert only.kinds == ["service: phone_call", "service: other", "unsupported message", "unsupported message"]
    assert [message.sender for message in only.messages] == ["user1", "user1", "", ""]
    assert not any(only.texts)


def test_a_deleted_account_keeps_its_id(tmp_path: Path, run: RunContext) -> None:
    document = make_chat([make_message(1, PARTNER, "still here", **{"from": None}), make_message(2, ME, "yes")])
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert [(message.sender, message.sender_name) for message in only.messages] == [
        ("user2", None),
        ("user1", "Person 1"),
    ]


def test_a_reply_to_another_chat_is_not_linked(tmp_path: Path, run: RunContext) -> None:
    document = make_chat(
        [make_message(1, ME, "a"), make_message(2, PARTNER, "b", reply_to_message_id=1, reply_to_peer_id="channel9")]
    )
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert [message.reply_to for message in only.messages] == [None, None]
    assert only.kinds == ["text", "text"]


def test_local_dates_replace_missing_unix_times(tmp_path: Path, run: RunContext) -> None:
    old = make_message(1, ME, "a", at=0)
    del old["date_unixtime"]
    undated = {"id": 2, "type": "message", "from_id": "user2", "text": "b"}
    deleted = make_message(3, ME, "", at=-START)
    (only,) = read(write_export(tmp_path / "result.json", make_chat([old, undated, deleted])), run)
    assert [message.sent for message in only.messages] == [START, START, START]


FAULTS = {
    "control characters": ('"text": "TEXT"', rb'"text": "a\x01b\x1Fc\\x41"', "a\x01b\x1fc\\x41"),
    "line separators with stray bytes": (
        '"text": "TEXT"',
        b'"text": "a\\u2028\x80\xa8b\\u2029\x80\xa9"',
        "a\u2028b\u2029",
    ),
    "invalid UTF-8": ('"text": "TEXT"', b'"text": "a\xff\xfeb"', "a\ufffd\ufffdb"),
    "lone surrogate": ('"text": "TEXT"', rb'"text": "a\ud83d \ud83d\ude00"', "a\ufffd \U0001f600"),
    "raw control character": ('"text": "TEXT"', b'"text": "a\x02b"', "a\x02b"),
    "unquoted path": (
        '"text": "TEXT"',
        b'"text": [\n    {\n     "type": "custom_emoji",\n     "text": "X",\n     '
        b'"document_id": video_files/sticker (2).webm\n    }\n   ]',
        "X",
    ),
    "unquoted placeholder": (
        '"text": "TEXT"',
        b'"text": [\n    {\n     "text": "X",\n     "document_id": (unavailable),\n     "type": "custom_emoji"'
        b"\n    }\n   ]",
        "X",
    ),
    "number as name": ('"from": "Person 2"', b'"from": 12', "TEXT"),
    "number out of range": ('"date_unixtime": "1700000120"', b'"date_unixtime": 1e999', "TEXT"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("form", ["single chat", "account"])
def test_known_faults_are_repaired(tmp_path: Path, run: RunContext, fault: str, form: str) -> None:
    old, new, text = FAULTS[fault]
    document = make_chat(
        [make_message(1, ME, "before"), make_message(2, PARTNER, "TEXT"), make_message(3, ME, "after")]
    )
    broken = (
        export_json(document if form == "single chat" else make_account(document)).encode().replace(old.encode(), new)
    )
    assert new in broken
    (tmp_path / "result.json").write_bytes(broken)
    (only,) = read(tmp_path / "result.json", run)
    assert only.texts == ["before", text, "after"]


def test_a_damaged_message_does_not_affect_others(tmp_path: Path, run: RunContext) -> None:
    good = export_json(
        make_chat([make_message(1, ME, "before"), make_message(2, PARTNER, "TEXT"), make_message(3, ME, "after")])
    )
    (tmp_path / "result.json").write_text(good.replace('"text": "TEXT"', '"text": }{'), "utf-8")
    (only,) = read(tmp_path / "result.json", run)
    assert only.kinds == ["text", "damaged message", "text"]
