"""Slack: unpacked workspace exports."""

from __future__ import annotations

import sys
from pathlib import Path

from autocakechat import RunContext

sys.path.insert(0, str(Path(__file__).parent))
from exports import slack_message, write_slack_days
from reading import kinds, read_chats, read_one


def test_every_kind_of_message_is_counted(tmp_path: Path, acc_run: RunContext) -> None:
    root = slack_message(0, "ann", "who is in?")
    messages = [
        root,
        slack_message(1, "bob", "me", thread_ts=root["ts"]),
        slack_message(2, "bob", files=[{"name": "cat", "mimetype": "image/png"}]),
        slack_message(3, "bob", "my report", files=[{"name": "a.pdf"}], subtype="file_share"),
        slack_message(4, "bob", "<@Ubob> has joined the channel", subtype="channel_join"),
        slack_message(5, "bob", "deployed", subtype="bot_message", bot_id="B1", username="ci"),
        slack_message(6, "bob", attachments=[{"is_share": True, "text": "old words"}]),
        slack_message(7, "bob", "was here", reactions=[{"name": "tada", "users": ["Uann"], "count": 1}]),
        slack_message(8, "bob")
        | {"text": "hi <@Uann>, see <#C1|general> &amp; <https://example.org|this>, <!here> a&lt;b"},
        {"type": "message", "ts": "soon"},
    ]
    path = tmp_path / write_slack_days(tmp_path, messages[:-1])
    result = read_one("slack", path, acc_run)
    assert kinds(result) == [
        ("text", "who is in?", True),
        ("text", "me", True),
        ("photo", "", True),
        ("file", "my report", True),
        ("service: channel_join", "", True),
        ("bot message", "deployed", False),
        ("forward", "old words", False),
        ("text", "was here", True),
        ("text", "hi @Ann, see #general & this, @here a<b", True),
    ]
    assert result[1].reply_to == result[0].id == int(root["ts"].replace(".", ""))
    assert (result[0].sender, result[0].sender_name) == ("Uann", "Ann")


def test_channels_have_their_ids_and_titles(tmp_path: Path, acc_run: RunContext) -> None:
    for folder in ("general", "D1", "unlisted"):
        write_slack_days(tmp_path, [slack_message(0, "ann", "hi")], folder)
    chats = [(chat.id, chat.title, chat.kind) for chat, _ in read_chats("slack", tmp_path, acc_run)]
    assert sorted(chats) == [
        ("C1", "general", "channel group"),
        ("D1", "Ann, Bob", "private chat"),
        ("unlisted", "unlisted", "channel group"),
    ]


def test_a_damaged_day_is_named_and_the_others_are_read(tmp_path: Path, acc_run: RunContext, caplog) -> None:  # type: ignore[no-untyped-def]
    write_slack_days(tmp_path, [slack_message(0, "ann", "hi"), slack_message(3000, "bob", "yo")])
    (first, _) = sorted((tmp_path / "slack/general").iterdir())
    first.write_text('[{"type": "mess')
    assert [message.text for message in read_one("slack", tmp_path, acc_run)] == ["yo"]
    assert f"general/{first.name}: the file is damaged" in caplog.text
