"""Discord: channels of DiscordChatExporter, and Discord's data package."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from autocakechat import RunContext, UserError

sys.path.insert(0, str(Path(__file__).parent))
from exports import START, discord_channel, discord_message, iso
from reading import kinds, read_chats, read_one


def test_every_kind_of_message_is_counted(tmp_path: Path, acc_run: RunContext) -> None:
    bot = {"id": "9", "name": "dj", "nickname": "DJ", "isBot": True}
    forwarded = {"content": "pass it on", "attachments": []}
    path = tmp_path / "channel.json"
    messages = [
        discord_message(0, "ann", "hi"),
        discord_message(1, "bob", "hi!", type="Reply", reference={"messageId": "1000", "channelId": "77"}),
        discord_message(2, "ann", "look", attachments=[{"id": "1", "fileName": "cat.PNG", "url": "x"}]),
        discord_message(3, "ann", attachments=[{"id": "1", "fileName": "voice-message.ogg", "url": "x"}]),
        discord_message(4, "ann", stickers=[{"id": "1", "name": "wave"}]),
        discord_message(5, "ann", "Started a call that lasted 5 minutes.", type="Call"),
        discord_message(6, "ann", "Pinned a message.", type="ChannelPinnedMessage"),
        discord_message(7, "ann", type="Default", reference={"type": "Forward"}, forwardedMessage=forwarded),
        discord_message(8, "dj", "now playing", author=bot),
        discord_message(9, "ann"),
        discord_message(10, "ann", "later", reactions=[{"emoji": {"name": "x"}, "count": 2}]),
        {"id": "oops"},
    ]
    path.write_text(discord_channel(messages))
    result = read_one("discord", path, acc_run)
    assert kinds(result) == [
        ("text", "hi", True),
        ("text", "hi!", True),
        ("photo", "look", True),
        ("audio file", "", True),
        ("sticker", "", True),
        ("service: Call", "", True),
        ("service: ChannelPinnedMessage", "", True),
        ("forward", "pass it on", False),
        ("bot message", "now playing", False),
        ("empty message", "", True),
        ("text", "later", True),
        ("damaged message", "", True),
    ]
    assert (result[1].reply_to, result[1].sender, result[1].sender_name) == (1000, "10bob", "Bob")
    assert result[2].sent == START + 120


def test_parts_of_a_channel_and_overlapping_exports_are_one_chat(tmp_path: Path, acc_run: RunContext) -> None:
    messages = [discord_message(number, "ann", str(number)) for number in range(20)]
    for name, part in {"a": messages[10:], "b": messages[:12], "c": messages[4:8][::-1]}.items():
        (tmp_path / f"{name}.json").write_text(discord_channel(part, type="GuildTextChat"))
    (tmp_path / "other.json").write_text(discord_channel(messages[:2], id="78"))
    (group, parts), (other, _) = read_chats("discord", tmp_path, acc_run)
    assert (group.id, group.title, group.kind) == ("77", "Direct Messages / Ann", "channel group")
    assert (other.id, other.title, other.kind) == ("78", "Ann", "private chat")
    assert [message.text for message in parts if message.text] == [str(number) for number in range(20)]
    assert [message.kind for message in parts if not message.text] == ["duplicate message"] * 6


def test_a_data_package_says_that_it_has_no_dialogs(
    tmp_path: Path, acc_run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    for channel, type_ in (("c1", 1), ("c2", 0)):
        (tmp_path / "messages" / channel).mkdir(parents=True)
        (tmp_path / "messages" / channel / "channel.json").write_text(json.dumps({"id": channel[1:], "type": type_}))
    (tmp_path / "messages/index.json").write_text("{}")
    newest_first = [{"ID": 10 - n, "Timestamp": iso(START - n), "Contents": f"{n}", "Attachments": ""} for n in (0, 1)]
    (tmp_path / "messages/c1/messages.json").write_text(json.dumps(newest_first))
    rows = 'ID,Timestamp,Contents,Attachments\n7,2023-11-14 22:13:20.5+00:00,"a, b",https://x.org/1/cat.png?ex=1\n'
    (tmp_path / "messages/c2/messages.csv").write_text(rows)
    with caplog.at_level(logging.WARNING):
        chats = {chat.id: (chat.kind, messages) for chat, messages in read_chats("discord", tmp_path, acc_run)}
    assert "has only your own messages" in caplog.text
    assert [message.text for message in chats["1"][1]] == ["1", "0"]
    assert chats["1"][0] == "private chat"
    ((message,), kind) = (chats["2"][1], chats["2"][0])
    assert (kind, message.text, message.kind, message.id, message.outgoing) == (
        "channel group",
        "a, b",
        "photo",
        7,
        True,
    )


@pytest.mark.parametrize("in_folder", [True, False])
def test_a_page_is_named(in_folder: bool, tmp_path: Path, acc_run: RunContext) -> None:
    page = tmp_path / "Server - general [5].html"
    page.write_text('<!DOCTYPE html>\n<html><body><div class="chatlog__message-container"></div></body></html>')
    with pytest.raises(UserError, match=r"\[5\]\.html: HTML of DiscordChatExporter, which is not read; .* JSON"):
        read_chats("discord", tmp_path if in_folder else page, acc_run)
