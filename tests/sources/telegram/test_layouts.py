"""Exports in other JSON layouts, truncated exports and invalid ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autocakechat import RunContext, UserError
from autocakechat.plugins.sources.telegram.options import TelegramOptions
from tests.sources.exports import (
    ME,
    PARTNER,
    TELEGRAM,
    export_json,
    make_account,
    make_chat,
    make_message,
    read,
    write_export,
)


@pytest.mark.parametrize("indent", [None, 0, 2, 4, "\t"])
@pytest.mark.parametrize("sort_keys", [False, True])
def test_any_layout_of_an_account(tmp_path: Path, run: RunContext, indent: int | str | None, sort_keys: bool) -> None:
    document = make_account(
        make_chat(
            [make_message(1, ME, "a"), make_message(2, PARTNER, ["b", {"type": "bold", "text": '"messages": [{'}])]
        ),
        make_chat([], id=7),
        make_chat([make_message(3, ME, "c")], type="bot_chat", id=5),
        left=[make_chat([make_message(5, ME, "e")], type="public_supergroup", id=9)],
    )
    expected = read(write_export(tmp_path / "usual" / "result.json", document), run)
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document, indent=indent, sort_keys=sort_keys), "utf-8")
    assert [as_tuple(chat) for chat in read(other, run)] == [as_tuple(chat) for chat in expected]


@pytest.mark.parametrize("sort_keys", [False, True])
def test_any_layout_of_a_single_chat(tmp_path: Path, run: RunContext, sort_keys: bool) -> None:
    document = make_chat([make_message(number, ME + number % 2, f"text {number}") for number in range(1, 2000)])
    expected = read(write_export(tmp_path / "usual" / "result.json", document), run)
    other = tmp_path / "other.json"
    other.write_text("\ufeff" + json.dumps(document, separators=(",", ":"), sort_keys=sort_keys), "utf-8")
    assert [as_tuple(chat) for chat in read(other, run)] == [as_tuple(chat) for chat in expected]


def as_tuple(chat: Any) -> Any:
    return (
        chat.id,
        chat.title,
        chat.kind,
        chat.skip,
        [(m.id, m.sender, m.text, m.sent, m.kind) for m in chat.messages],
    )


def test_unknown_keys_are_ignored(tmp_path: Path, run: RunContext) -> None:
    document = make_chat([make_message(1, ME, "a", hologram={"a": [1, {"text": "no"}]}, own_words=False, position=7)])
    document = {"name": document["name"], "mood": "great", **document}
    document["messages"][0]["kind"] = "trap"
    (only,) = read(write_export(tmp_path / "result.json", document), run)
    assert [(message.text, message.kind, message.own_words, message.position) for message in only.messages] == [
        ("a", "text", True, 0)
    ]
    nested = make_account({"name": "Pat", "mood": {"now": "great"}, **make_chat([make_message(1, ME, "a")])})
    assert [chat.texts for chat in read(write_export(tmp_path / "nested.json", nested), run)] == [["a"]]


@pytest.mark.parametrize("indent", [1, None])
def test_only_the_chats_of_an_account_are_read(tmp_path: Path, run: RunContext, indent: int | None) -> None:
    whole = make_account(make_chat([make_message(1, ME, "a"), make_message(2, PARTNER, "b")]))
    music = [make_message(9, ME, "", file="x.mp3", media_type="audio_file")]
    other = {
        "list": [{"messages": [make_message(10, ME, "no")]}],
        "chats": {"list": [make_chat([make_message(11, ME, "no")])]},
    }
    document = {"about": whole["about"], "profile_music": music, "other_data": other, **whole}
    (tmp_path / "result.json").write_text(json.dumps(document, indent=indent), "utf-8")
    assert [chat.texts for chat in read(tmp_path / "result.json", run)] == [["a", "b"]]


@pytest.mark.parametrize("form", ["single chat", "account"])
def test_a_truncated_export_is_read_up_to_its_end(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    document = make_chat([make_message(number, ME + number % 2, f"text {number}") for number in range(1, 4)])
    whole = export_json(
        document if form == "single chat" else make_account(document, make_chat([make_message(9, ME, "z")], id=5))
    ).encode()
    before = 0
    for cut in range(whole.index(b'"messages": [') + 12, len(whole)):
        (tmp_path / "result.json").write_bytes(whole[:cut])
        caplog.clear()
        got = [text for chat in read(tmp_path / "result.json", run) for text in chat.texts]
        assert got == ["text 1", "text 2", "text 3", "z"][: len(got)]
        assert len(got) >= before, cut
        before = len(got)
        assert "the export is truncated" in caplog.text or cut > len(whole) - 10, cut
    assert before == (3 if form == "single chat" else 4)


def test_the_warning_contains_the_number_of_ignored_bytes(
    tmp_path: Path, run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    whole = export_json(make_chat([make_message(1, ME, "a"), make_message(2, ME, "b")])).encode()
    cut = whole.rindex(b'"id": 2') + 20
    (tmp_path / "result.json").write_bytes(whole[:cut])
    read(tmp_path / "result.json", run)
    ignored = cut - whole.index(b'\n  {\n   "id": 2')
    assert f"the last {ignored} bytes are ignored" in caplog.text


def test_the_messages_of_a_chat_can_be_skipped(tmp_path: Path, run: RunContext) -> None:
    document = make_account(
        make_chat([make_message(number, ME, "a" * 500) for number in range(1, 1000)]),
        make_chat([make_message(2000, ME, "b")], id=5),
    )
    options = TelegramOptions(path=write_export(tmp_path / "result.json", document))
    (log_input,) = TELEGRAM.inputs(options)
    ids = [chat.id for chat in TELEGRAM.read(options, log_input, run)]
    assert ids == ["user2", "user5"]


def test_no_message_is_lost_between_the_windows_of_a_long_chat(tmp_path: Path, run: RunContext) -> None:
    count = 5000
    document = make_account(
        make_chat([make_message(number, ME, f"{number} " * (number % 40)) for number in range(1, count)]),
        *(make_chat([make_message(count + number, ME, "x" * number)], id=number) for number in range(10, 400)),
    )
    first, *others = read(write_export(tmp_path / "result.json", document), run)
    assert [message.id for message in first.messages] == list(range(1, count))
    assert [chat.messages[0].id for chat in others] == list(range(count + 10, count + 400))


@pytest.mark.parametrize("junk", [b"{}", b'{"a": {"messages": 1}}', b'{"messages": 5}'])
def test_other_json_is_refused(tmp_path: Path, run: RunContext, junk: bytes) -> None:
    (tmp_path / "result.json").write_bytes(junk)
    with pytest.raises(UserError, match=r"result\.json: JSON, but not a Telegram Desktop export"):
        read(tmp_path / "result.json", run)


def test_invalid_json_is_refused_with_its_offset(tmp_path: Path, run: RunContext) -> None:
    (tmp_path / "result.json").write_bytes(b'{"name": "A" "messages": []}')
    with pytest.raises(UserError, match=r"result\.json: invalid JSON at byte 13"):
        read(tmp_path / "result.json", run)
