"""Facebook Messenger and Instagram."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat import RunContext, UserError

sys.path.insert(0, str(Path(__file__).parent))
from autocakechat_messengers.meta import repair_text
from exports import START, garbled, meta_file, meta_message
from reading import kinds, read_chats


def test_every_kind_of_message_is_counted(tmp_path: Path, acc_run: RunContext) -> None:
    messages = [
        meta_message(0, "Zoë", "grüß dich 😀"),
        meta_message(1, "bob", photos=[{"uri": "photos/1.jpg", "creation_timestamp": 1}]),
        meta_message(2, "bob", "Bob sent a photo.", photos=[{"uri": "photos/1.jpg"}]),
        meta_message(3, "bob", "my cat", photos=[{"uri": "photos/1.jpg"}]),
        meta_message(4, "bob", sticker={"uri": "stickers/1.png"}),
        meta_message(5, "bob", audio_files=[{"uri": "audio/1.mp4"}]),
        meta_message(6, "bob", "Bob called you.", call_duration=12),
        meta_message(7, "bob", "Reacted 😍 to your message "),
        meta_message(8, "bob", "see https://example.org/a", share={"link": "https://example.org/a"}),
        meta_message(9, "bob", "Bob sent an attachment.", share={"link": "https://example.org/b"}),
        meta_message(10, "bob", is_unsent=True),
        meta_message(11, "bob"),
        meta_message(12, "bob", "hi", reactions=[{"reaction": garbled("😀"), "actor": "ann"}]),
        {"sender_name": "bob"},
    ]
    (tmp_path / "message_1.json").write_text(meta_file(messages[:-1], ("Zoë", "bob", "eve")))
    ((chat, result),) = read_chats("messenger", tmp_path, acc_run)
    assert (chat.title, chat.kind) == ("Zoë & friends", "group")
    assert kinds(result) == [
        ("text", "grüß dich 😀", True),
        ("photo", "", True),
        ("photo", "", True),
        ("photo", "my cat", True),
        ("sticker", "", True),
        ("voice message", "", True),
        ("service: call", "", True),
        ("service: reaction", "", True),
        ("text", "see https://example.org/a", True),
        ("share", "Bob sent an attachment.", False),
        ("deleted message", "", True),
        ("empty message", "", True),
        ("text", "hi", True),
    ]
    assert (result[0].sender, result[0].sent) == ("Zoë", START)
    (tmp_path / "message_1.json").write_text(meta_file(messages[-2:]))
    ((_, result),) = read_chats("messenger", tmp_path, acc_run)
    assert [message.kind for message in result] == ["damaged message", "text"]


def test_files_of_a_thread_are_read_in_order_wherever_they_are(tmp_path: Path, acc_run: RunContext) -> None:
    messages = [meta_message(number, "bob", str(number)) for number in range(30)]
    parts = {"a/message_1": messages[20:], "a/message_2": messages[10:20], "b/message_1": messages[:11]}
    for name, part in parts.items():
        path = tmp_path / name.replace("/", "/inbox/zoe_1/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").write_text(meta_file(part))
    ((chat, result),) = read_chats("messenger", tmp_path, acc_run)
    assert chat.id == "zoe_1"
    assert [message.text for message in result if message.text] == [str(number) for number in range(30)]
    assert [message.kind for message in result if not message.text] == ["duplicate message"]


def test_the_form_for_encrypted_chats_is_read(tmp_path: Path, acc_run: RunContext) -> None:
    messages = [
        {"isUnsent": False, "media": [], "reactions": [], "senderName": "Zoë", "text": "grüße", "type": "text",
         "timestamp": 1000 * START},
        {"isUnsent": False, "media": [{"uri": "./media/1.mp4"}], "senderName": "bob", "text": "", "type": "media",
         "timestamp": 1000 * START + 999},
    ]  # fmt: skip
    thread = {"participants": ["Zoë", "bob"], "threadName": "Zoë_12", "messages": messages[::-1]}
    (tmp_path / "Zoë_12.json").write_text(json.dumps(thread, ensure_ascii=False), "utf-8")
    ((chat, result),) = read_chats("messenger", tmp_path, acc_run)
    assert (chat.title, chat.kind) == ("Zoë_12", "private chat")
    assert kinds(result) == [("text", "grüße", True), ("video", "", True)]


@given(st.text())
def test_any_text_is_repaired(text: str) -> None:
    assert repair_text(garbled(text)) == text


@given(st.text(st.characters(min_codepoint=0x100)))
def test_a_text_that_is_right_stays(text: str) -> None:
    assert repair_text(text) == text


@pytest.mark.parametrize(("source", "site"), [("messenger", "facebook"), ("instagram", "instagram")])
def test_an_html_download_is_named(source: str, site: str, tmp_path: Path, acc_run: RunContext) -> None:
    page = tmp_path / f"your_{site}_activity" / "messages" / "inbox" / "zoe_1" / "message_1.html"
    page.parent.mkdir(parents=True)
    page.write_text("<html></html>")
    with pytest.raises(UserError, match=rf"(?i)message_1\.html: HTML, which is not read; on {site} choose .* JSON"):
        read_chats(source, tmp_path, acc_run)
