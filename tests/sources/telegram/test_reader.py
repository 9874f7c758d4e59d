"""What the Telegram source makes of what the application writes."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from autocakechat import RunContext, UserError
from autocakechat.plugins.sources.telegram.options import TelegramOptions
from tests.sources.exports import ME, PARTNER, START, TELEGRAM, account, chat, layout, message, read, service, write


def test_a_message_keeps_all_that_matters(tmp_path: Path, run: RunContext) -> None:
    document = chat([message(7, ME, "hello", at=5), message(8, PARTNER, "hi", at=9, reply_to_message_id=7)])
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert (only.id, only.title, only.kind, only.skip) == ("user2", "Pat", "personal chat", None)
    mine, theirs = only.messages
    assert (mine.id, mine.sender, mine.sender_name, mine.text) == (7, "user1", "Person 1", "hello")
    assert (mine.sent, mine.reply_to, mine.kind) == (START + 5, None, "text")
    assert (mine.own_words, mine.outgoing, mine.position) == (True, True, 0)
    assert (theirs.reply_to, theirs.outgoing, theirs.position) == (7, False, 1)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("plain", "plain"),
        ([{"type": "bold", "text": "all"}], "all"),
        (["see ", {"type": "link", "text": "http://a.b"}, " and ", {"type": "mention", "text": "@c"}, ""], None),
        (["ж ", {"type": "custom_emoji", "text": "😮", "document_id": "video_files/x.webm"}, ""], "ж 😮"),
        (["a", {"type": "mention_name", "text": "B", "user_id": 5}, {"type": "new", "text": "c", "more": [1]}], "aBc"),
    ],
)
def test_text_is_its_parts_and_nothing_between_them(
    tmp_path: Path, run: RunContext, text: Any, whole: str | None
) -> None:
    (only,) = read(write(tmp_path / "result.json", chat([message(1, ME, text)])), run)
    assert only.texts == [whole or "see http://a.b and @c"]


def test_text_entities_stand_in_for_a_missing_text(tmp_path: Path, run: RunContext) -> None:
    bare = message(1, ME, ["a ", {"type": "bold", "text": "b"}])
    del bare["text"]
    (only,) = read(write(tmp_path / "result.json", chat([bare, message(2, PARTNER, "c")])), run)
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
def test_what_has_no_text_is_told_by_its_kind(tmp_path: Path, run: RunContext, keys: dict[str, Any], kind: str) -> None:
    (only,) = read(write(tmp_path / "result.json", chat([message(1, ME, "", **keys)])), run)
    assert [(each.kind, each.text) for each in only.messages] == [(kind, "")]


def test_a_caption_is_text(tmp_path: Path, run: RunContext) -> None:
    (only,) = read(write(tmp_path / "result.json", chat([message(1, ME, "look", photo="photos/1.jpg")])), run)
    assert [(each.kind, each.text, each.own_words) for each in only.messages] == [("photo", "look", True)]


@pytest.mark.parametrize(("sticker_emoji", "text"), [(True, "😀"), (False, "")])
def test_the_emoji_of_a_sticker_is_text_if_wanted(
    tmp_path: Path, run: RunContext, sticker_emoji: bool, text: str
) -> None:
    sticker = message(1, ME, "", file="a.webp", media_type="sticker", sticker_emoji="😀")
    (only,) = read(write(tmp_path / "result.json", chat([sticker])), run, sticker_emoji=sticker_emoji)
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
def test_what_others_wrote_is_nobodys_own_words(
    tmp_path: Path, run: RunContext, keys: dict[str, Any], kind: str
) -> None:
    document = chat([message(1, ME, "their words", **keys)], type="private_supergroup")
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert [(each.kind, each.own_words, each.text) for each in only.messages] == [(kind, False, "their words")]


def test_service_messages_are_told_by_their_action(tmp_path: Path, run: RunContext) -> None:
    document = chat(
        [
            service(1, ME, "phone_call", duration_seconds=5),
            {**service(2, ME, "x"), "information_text": "custom"},
            {"id": 3, "type": "unsupported"},
            {"id": 4, "type": "hologram", "date_unixtime": str(START)},
        ]
    )
    del document["messages"][1]["action"]
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert only.kinds == ["service: phone_call", "service: other", "unsupported message", "unsupported message"]
    assert [each.sender for each in only.messages] == ["user1", "user1", "", ""]
    assert not any(only.texts)


def test_a_deleted_account_keeps_its_id(tmp_path: Path, run: RunContext) -> None:
    document = chat([message(1, PARTNER, "still here", **{"from": None}), message(2, ME, "yes")])
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert [(each.sender, each.sender_name) for each in only.messages] == [("user2", None), ("user1", "Person 1")]


def test_a_reply_to_another_chat_links_nothing(tmp_path: Path, run: RunContext) -> None:
    document = chat([message(1, ME, "a"), message(2, PARTNER, "b", reply_to_message_id=1, reply_to_peer_id="channel9")])
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert [each.reply_to for each in only.messages] == [None, None]
    assert only.kinds == ["text", "text"]


def test_local_dates_serve_where_there_are_no_others(tmp_path: Path, run: RunContext) -> None:
    old = message(1, ME, "a", at=0)
    del old["date_unixtime"]
    undated = {"id": 2, "type": "message", "from_id": "user2", "text": "b"}
    deleted = message(3, ME, "", at=-START)
    (only,) = read(write(tmp_path / "result.json", chat([old, undated, deleted])), run)
    assert [each.sent for each in only.messages] == [START, START, START]


@pytest.mark.parametrize(
    ("first", "second", "chat_id"),
    [
        ("user111", "user222", 222),
        (111, 222, (1 << 32) + 222),
        ((1 << 32) + 111, (1 << 32) + 222, (1 << 32) + 222),
    ],
)
def test_ids_of_every_era_become_the_same(
    tmp_path: Path, run: RunContext, first: str | int, second: str | int, chat_id: int
) -> None:
    document = chat([message(1, 0, "hi", from_id=first), message(2, 0, "yo", from_id=second)], id=chat_id)
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert only.id == "user222"
    assert [(each.sender, each.outgoing) for each in only.messages] == [("user111", True), ("user222", False)]


def test_great_ids_of_today_are_not_shifted(tmp_path: Path, run: RunContext) -> None:
    document = chat([message(1, 5_000_000_000, "hi")], id=9_000_000_000, type="private_supergroup")
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert (only.id, only.messages[0].sender) == ("channel9000000000", "user5000000000")


def test_groups_of_the_numeric_eras(tmp_path: Path, run: RunContext) -> None:
    document = chat(
        [message(1, 0, "hi", from_id=(1 << 32) + 7), message(2, 0, "admin", from_id=(1 << 33) + 9)],
        id=(1 << 33) + 9,
        type="private_supergroup",
    )
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert only.id == "channel9"
    assert [(each.sender, each.own_words) for each in only.messages] == [("user7", True), ("channel9", False)]


def test_an_account_is_read_chat_by_chat_and_its_owner_is_known(tmp_path: Path, run: RunContext) -> None:
    document = account(
        chat([message(1, ME, "a"), message(2, PARTNER, "b")]),
        chat([message(3, 5, "c"), message(4, ME, "d")], type="private_group", id=9, name=None),
        left=[chat([message(5, ME, "e")], type="public_supergroup", id=9)],
    )
    first, second, third = read(write(tmp_path / "result.json", document), run)
    assert [each.id for each in (first, second, third)] == ["user2", "chat9", "channel9"]
    assert [each.texts for each in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
    assert [each.outgoing for each in second.messages] == [False, True]


def test_the_owner_of_a_group_alone_is_not_known(tmp_path: Path, run: RunContext) -> None:
    document = chat([message(1, 5, "c"), message(2, ME, "d")], type="private_group", id=9)
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert [each.outgoing for each in only.messages] == [None, None]


def test_a_chat_id_that_names_neither_of_two_people_tells_nothing(tmp_path: Path, run: RunContext) -> None:
    document = chat([message(1, ME, "a"), message(2, 5, "b")], id=99)
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert [each.outgoing for each in only.messages] == [None, None]


@pytest.mark.parametrize(
    ("type", "reason"),
    [
        ("bot_chat", "bot chat"),
        ("saved_messages", "saved messages"),
        ("replies", "replies"),
        ("verification_codes", "verification codes"),
        ("private_channel", "channel"),
        ("public_channel", "channel"),
        ("personal_chat", None),
        ("private_group", None),
        ("public_supergroup", None),
        (None, None),
    ],
)
def test_chats_without_conversations_are_skipped_unless_asked_for(
    tmp_path: Path, run: RunContext, type: str | None, reason: str | None
) -> None:
    path = write(tmp_path / "result.json", chat([message(1, ME, "a")], type=type))  # type: ignore[arg-type]
    assert [each.skip for each in read(path, run)] == [reason]
    everything = ["bot_chat", "channel", "saved_messages", "replies", "verification_codes"]
    assert [each.skip for each in read(path, run, include=everything)] == [None]


def test_a_group_in_which_one_person_speaks_is_warned_of(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    alone = chat([message(1, ME, "a"), message(2, ME, "b")], type="private_group", id=9, name="Lonely\x1b[31m")
    both = chat([message(3, ME, "a"), message(4, 5, "b")], type="private_group", id=8, name="Lively")
    with caplog.at_level(logging.WARNING):
        read(write(tmp_path / "result.json", account(alone, both)), run)
    assert "only one person speaks in 1 of the groups" in caplog.text
    assert "Lonely\\x1b[31m" in caplog.text
    assert "Lively" not in caplog.text


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
    "a name that is a number": ('"from": "Person 2"', b'"from": 12', "TEXT"),
    "a number beyond all numbers": ('"date_unixtime": "1700000120"', b'"date_unixtime": 1e999', "TEXT"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("form", ["single chat", "account"])
def test_faults_of_the_application_are_mended(tmp_path: Path, run: RunContext, fault: str, form: str) -> None:
    old, new, text = FAULTS[fault]
    document = chat([message(1, ME, "before"), message(2, PARTNER, "TEXT"), message(3, ME, "after")])
    broken = layout(document if form == "single chat" else account(document)).encode().replace(old.encode(), new)
    assert new in broken
    (tmp_path / "result.json").write_bytes(broken)
    (only,) = read(tmp_path / "result.json", run)
    assert only.texts == ["before", text, "after"]


def test_what_cannot_be_read_is_counted_and_harms_nothing_else(tmp_path: Path, run: RunContext) -> None:
    good = layout(chat([message(1, ME, "before"), message(2, PARTNER, "TEXT"), message(3, ME, "after")]))
    (tmp_path / "result.json").write_text(good.replace('"text": "TEXT"', '"text": }{'), "utf-8")
    (only,) = read(tmp_path / "result.json", run)
    assert only.kinds == ["text", "damaged message", "text"]


@pytest.mark.parametrize("indent", [None, 0, 2, 4, "\t"])
@pytest.mark.parametrize("sort_keys", [False, True])
def test_any_layout_of_the_json_reads_the_same(
    tmp_path: Path, run: RunContext, indent: int | str | None, sort_keys: bool
) -> None:
    document = account(
        chat([message(1, ME, "a"), message(2, PARTNER, ["b", {"type": "bold", "text": '"messages": [{'}])]),
        chat([], id=7),
        chat([message(3, ME, "c")], type="bot_chat", id=5),
        left=[chat([message(5, ME, "e")], type="public_supergroup", id=9)],
    )
    usual = read(write(tmp_path / "usual" / "result.json", document), run)
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document, indent=indent, sort_keys=sort_keys), "utf-8")
    assert [attrs_of(each) for each in read(other, run)] == [attrs_of(each) for each in usual]


@pytest.mark.parametrize("sort_keys", [False, True])
def test_any_layout_of_a_single_chat_reads_the_same(tmp_path: Path, run: RunContext, sort_keys: bool) -> None:
    document = chat([message(number, ME + number % 2, f"text {number}") for number in range(1, 2000)])
    usual = read(write(tmp_path / "usual" / "result.json", document), run)
    other = tmp_path / "other.json"
    other.write_text("\ufeff" + json.dumps(document, separators=(",", ":"), sort_keys=sort_keys), "utf-8")
    assert [attrs_of(each) for each in read(other, run)] == [attrs_of(each) for each in usual]


def attrs_of(chat: Any) -> Any:
    return (
        chat.id,
        chat.title,
        chat.kind,
        chat.skip,
        [(m.id, m.sender, m.text, m.sent, m.kind) for m in chat.messages],
    )


def test_unknown_keys_are_passed_over_everywhere(tmp_path: Path, run: RunContext) -> None:
    document = chat([message(1, ME, "a", hologram={"a": [1, {"text": "no"}]}, own_words=False, position=7)])
    document = {"name": document["name"], "mood": "great", **document}
    document["messages"][0]["kind"] = "trap"
    (only,) = read(write(tmp_path / "result.json", document), run)
    assert [(each.text, each.kind, each.own_words, each.position) for each in only.messages] == [("a", "text", True, 0)]
    nested = account({"name": "Pat", "mood": {"now": "great"}, **chat([message(1, ME, "a")])})
    assert [each.texts for each in read(write(tmp_path / "nested.json", nested), run)] == [["a"]]


@pytest.mark.parametrize("indent", [1, None])
def test_what_looks_like_messages_elsewhere_in_an_account_is_none(
    tmp_path: Path, run: RunContext, indent: int | None
) -> None:
    whole = account(chat([message(1, ME, "a"), message(2, PARTNER, "b")]))
    music = [message(9, ME, "", file="x.mp3", media_type="audio_file")]
    other = {"list": [{"messages": [message(10, ME, "no")]}], "chats": {"list": [chat([message(11, ME, "no")])]}}
    document = {"about": whole["about"], "profile_music": music, "other_data": other, **whole}
    (tmp_path / "result.json").write_text(json.dumps(document, indent=indent), "utf-8")
    assert [each.texts for each in read(tmp_path / "result.json", run)] == [["a", "b"]]


@pytest.mark.parametrize("form", ["single chat", "account"])
def test_a_truncated_export_is_read_as_far_as_it_goes(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    document = chat([message(number, ME + number % 2, f"text {number}") for number in range(1, 4)])
    whole = layout(document if form == "single chat" else account(document, chat([message(9, ME, "z")], id=5))).encode()
    before = 0
    for cut in range(whole.index(b'"messages": [') + 12, len(whole)):
        (tmp_path / "result.json").write_bytes(whole[:cut])
        caplog.clear()
        got = [text for each in read(tmp_path / "result.json", run) for text in each.texts]
        assert got == ["text 1", "text 2", "text 3", "z"][: len(got)]
        assert len(got) >= before, cut
        before = len(got)
        assert "the export is cut off" in caplog.text or cut > len(whole) - 10, cut
    assert before == (3 if form == "single chat" else 4)


def test_the_warning_says_how_much_is_left_over(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    whole = layout(chat([message(1, ME, "a"), message(2, ME, "b")])).encode()
    cut = whole.rindex(b'"id": 2') + 20
    (tmp_path / "result.json").write_bytes(whole[:cut])
    read(tmp_path / "result.json", run)
    left_over = cut - whole.index(b'\n  {\n   "id": 2')
    assert f"{left_over} bytes at its end are left over" in caplog.text


def test_a_chat_that_nobody_reads_does_not_stop_the_next(tmp_path: Path, run: RunContext) -> None:
    document = account(
        chat([message(number, ME, "a" * 500) for number in range(1, 1000)]), chat([message(2000, ME, "b")], id=5)
    )
    options = TelegramOptions(path=write(tmp_path / "result.json", document))
    (part,) = TELEGRAM.inputs(options)
    ids = [chat.id for chat in TELEGRAM.read(options, part, run)]
    assert ids == ["user2", "user5"]


def test_windows_of_a_long_chat_join_without_a_seam(tmp_path: Path, run: RunContext) -> None:
    count = 5000
    document = account(
        chat([message(number, ME, f"{number} " * (number % 40)) for number in range(1, count)]),
        *(chat([message(count + number, ME, "x" * number)], id=number) for number in range(10, 400)),
    )
    first, *others = read(write(tmp_path / "result.json", document), run)
    assert [each.id for each in first.messages] == list(range(1, count))
    assert [each.messages[0].id for each in others] == list(range(count + 10, count + 400))


@pytest.mark.parametrize("junk", [b"{}", b'{"a": {"messages": 1}}', b'{"messages": 5}'])
def test_json_that_is_no_export_is_refused(tmp_path: Path, run: RunContext, junk: bytes) -> None:
    (tmp_path / "result.json").write_bytes(junk)
    with pytest.raises(UserError, match=r"result\.json: JSON, but no export"):
        read(tmp_path / "result.json", run)


def test_broken_json_is_refused_with_its_place(tmp_path: Path, run: RunContext) -> None:
    (tmp_path / "result.json").write_bytes(b'{"name": "A" "messages": []}')
    with pytest.raises(UserError, match=r"result\.json: broken JSON at byte 13"):
        read(tmp_path / "result.json", run)
