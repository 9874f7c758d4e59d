"""Signal: what sigexport writes."""

from __future__ import annotations

import sys
from pathlib import Path

from autocakechat import RunContext

sys.path.insert(0, str(Path(__file__).parent))
from exports import START, signal_message, write_signal_lines
from reading import kinds, read_chats


def test_every_kind_of_message_is_counted(tmp_path: Path, acc_run: RunContext) -> None:
    messages = [
        signal_message(0, "Ann", "who is\nin?"),
        signal_message(1, "Me", "me", quote="\n\n> who is\n> in?\n\n"),
        signal_message(2, "Me", attachments=[{"name": "cat.jpg", "path": "media/cat.jpg"}]),
        signal_message(3, "Me", sticker="👋"),
        signal_message(4, "Me", "Missed voice call"),
        signal_message(5, "Ann", deleted=True),
        signal_message(6, "No-Sender", "Ann joined", reactions=[["Ann", "👍"]]),
        signal_message(7, "Me", "later", quote="\n\n> never said\n\n"),
    ]
    path = tmp_path / write_signal_lines(tmp_path, messages)
    ((chat, result),) = read_chats("signal", path, acc_run)
    assert (chat.title, chat.kind) == ("Ann Lee", "private chat")
    assert kinds(result) == [
        ("text", "who is\nin?", True),
        ("text", "me", True),
        ("photo", "", True),
        ("sticker", "", True),
        ("service: call", "", True),
        ("deleted message", "", True),
        ("text", "Ann joined", True),
        ("text", "later", True),
    ]
    assert [message.reply_to for message in result if message.reply_to is not None] == [result[0].id]
    assert [message.outgoing for message in result[:2]] == [False, True]
    assert [message.sender for message in result[:2]] == ["Ann", "owner"]
    assert (result[6].sender, result[0].sent) == ("", START)


def test_a_chat_of_three_is_a_group(tmp_path: Path, acc_run: RunContext) -> None:
    path = tmp_path / write_signal_lines(tmp_path, [signal_message(n, name) for n, name in enumerate("abc")])
    ((chat, _),) = read_chats("signal", path, acc_run)
    assert chat.kind == "group"


def test_markdown_is_read_where_there_is_no_json(tmp_path: Path, acc_run: RunContext) -> None:
    (tmp_path / "Ann Lee").mkdir()
    lines = [
        "[2019-12-24 18:00:00] Ann: who is\nin?  \n(- Me: 👍 -)\n",
        "[2019-12-24, 18:01] Me: \n\n> who is\n> in?\n\nme  \n",
        "[2019-12-24 18:02:00] Ann: ![cat.jpg](./media/cat.jpg)  \n",
        "[2019-12-24 18:03:00] Ann: my cat  (media not exported)  \n",
        "[2019-12-24 18:04:00] Me:   \n(( 👋 ))\n",
        "[2019-12-24 18:05:00] Me: (This message was deleted)\n",
        "[2019-12-24 18:06:00] Me: Outgoing voice call (unanswered)  \n",
    ]
    (tmp_path / "Ann Lee/chat.md").write_text("".join(lines), "utf-8")
    ((chat, messages),) = read_chats("signal", tmp_path, acc_run)
    assert (chat.title, chat.kind) == ("Ann Lee", "private chat")
    assert kinds(messages) == [
        ("text", "who is\nin?", True),
        ("text", "me", True),
        ("photo", "", True),
        ("file", "my cat", True),
        ("sticker", "", True),
        ("deleted message", "", True),
        ("service: call", "", True),
    ]
    assert [message.reply_to for message in messages[:2]] == [None, messages[0].id]
    assert [message.sender for message in messages[:2]] == ["Ann", "owner"]
    write_signal_lines(tmp_path / "both", [signal_message(0, "Ann", "from JSON")])
    (tmp_path / "both/signal/Ann Lee/chat.md").write_text("".join(lines), "utf-8")
    ((_, messages),) = read_chats("signal", tmp_path / "both", acc_run)
    assert [message.text for message in messages] == ["from JSON"]
