"""iMessage: what imessage-exporter writes."""

from __future__ import annotations

import sys
from pathlib import Path

from autocakechat_messengers import participants

from autocakechat import RunContext

sys.path.insert(0, str(Path(__file__).parent))
from exports import START
from reading import kinds, read_chats, read_one
from text_exports import (
    IMESSAGE_HEAD,
    imessage_block,
    imessage_lines,
    imessage_time,
    write_imessage_file,
)

REPLY = "This message responded to an earlier message."


def test_every_kind_of_line_is_counted(tmp_path: Path, acc_run: RunContext) -> None:
    nested = "".join(f"    {line}\n" for line in imessage_lines(1, "ann", "me").strip().split("\n"))
    read_receipt = imessage_lines(2, "bob", "later").replace("\n", " (Read by you after 5 seconds)\n", 1)
    blocks = [
        imessage_lines(0, "bob", f"who is\nin?\nTapbacks:\nLoved by Me\n\n{nested}\n"),
        imessage_lines(1, "ann", f"me\n{REPLY}"),
        read_receipt,
        f"{imessage_time(3)} You named the conversation Trip\n\n",
        imessage_lines(4, "ann", "attachments/1/my cat.jpeg\nmy cat\nSent with Invisible Ink"),
        imessage_lines(5, "ann", "Attachment missing!"),
        imessage_lines(6, "bob", "Outline Sticker from +15550100: attachments/1/a.heic"),
        imessage_lines(7, "bob", "https://example.org/a\nThe title\nThe summary"),
        imessage_lines(8, "bob", f"{imessage_time(8)} on\nEdited 5 seconds later: one"),
        imessage_lines(9, "bob", "They unsent this message part 3 seconds after sending!"),
        imessage_lines(10, "bob", "SharePlay Message\nEnded"),
    ]
    ((chat, messages),) = read_chats("imessage", tmp_path / write_imessage_file(tmp_path, blocks, "txt"), acc_run)
    assert (chat.title, chat.kind) == ("+15550100", "private chat")
    assert kinds(messages) == [
        ("text", "who is\nin?", True),
        ("text", "me", True),
        ("text", "later", True),
        ("service: change of the group", "", True),
        ("photo", "my cat", True),
        ("file", "", True),
        ("sticker", "", True),
        ("text", "https://example.org/a", True),
        ("text", "one", True),
        ("deleted message", "", True),
        ("service: sharing", "", True),
    ]
    assert [message.reply_to for message in messages[:3]] == [None, messages[0].id, None]
    assert [(m.sender, m.outgoing, m.sent) for m in messages[:2]] == [
        ("+15550100", False, START),
        ("owner", True, START + 60),
    ]


def test_a_sender_between_two_blocks_that_are_read_is_one_person(tmp_path: Path, acc_run: RunContext) -> None:
    header = imessage_lines(0, "bob", "").rstrip()
    before_sender = f"{imessage_time(1)}\n"
    text = "x" * (participants._CHUNK - 3 - len(f"{header}\n\n\n{before_sender}"))  # 3 characters of the sender
    blocks = [imessage_lines(0, "bob", text), imessage_lines(1, "bob", "hi"), imessage_lines(2, "ann", "ho")]
    ((chat, messages),) = read_chats("imessage", tmp_path / write_imessage_file(tmp_path, blocks, "txt"), acc_run)
    assert "".join(blocks).index(before_sender) + len(before_sender) + 3 == participants._CHUNK
    assert len(messages) == 3
    assert chat.kind == "private chat"


def part(content: str) -> str:
    return f'        <hr>\n<div class="message_part">\n    {content}\n    </div>\n'


def test_every_kind_of_message_of_a_page_is_counted(tmp_path: Path, acc_run: RunContext) -> None:
    reply = imessage_block(1, "ann", "me").rstrip()
    replies = f'<div class="replies">\n<div class="reply" id="R1">{reply}</div>\n</div>\n'
    edits = (
        '<div class="edited"><table><tbody><tr><td></td><td>on</td></tr></tbody>'
        '<tfoot><tr><td><span class="timestamp">Edited 1 second later</span></td><td>one</td></tr></tfoot>'
        "</table></div>"
    )
    blocks = [
        IMESSAGE_HEAD,
        imessage_block(0, "bob", "who is <in>?", parts=part('<span class="bubble">and <b>when</b></span>') + replies),
        imessage_block(1, "ann", "me", id="R1"),
        f'\n<div class="announcement">\n<p><span class="timestamp">{imessage_time(2)}</span> You left.</p>\n</div>\n',
        imessage_block(3, "ann", "my cat", parts=part('<div class="attachment"><img src="a.jpeg"></div>')),
        imessage_block(4, "bob", "", parts=part('<div class="attachment"><video controls></video></div>')),
        imessage_block(5, "bob", "", parts=part('<div class="sticker"><img src="a.png"></div>')),
        imessage_block(
            6, "bob", "", parts=part('<div class="app"><a href="https://example.org/a"><div>T</div></a></div>')
        ),
        imessage_block(7, "bob", "", parts=part('<div class="app"><div class="app_header">Game</div></div>')),
        imessage_block(8, "bob", "", parts=part(edits)),
        imessage_block(9, "bob", "", parts='<span class="unsent">They unsent this message part!</span>'),
        "</body></html>",
    ]
    messages = read_one("imessage", tmp_path / write_imessage_file(tmp_path, blocks, "html"), acc_run)
    assert kinds(messages) == [
        ("text", "who is <in>?\nand when", True),
        ("text", "me", True),
        ("service: change of the group", "", True),
        ("photo", "my cat", True),
        ("video", "", True),
        ("sticker", "", True),
        ("text", "https://example.org/a", True),
        ("app message", "", True),
        ("text", "one", True),
        ("deleted message", "", True),
    ]
    assert [message.reply_to for message in messages[:3]] == [None, messages[0].id, None]
    assert [(m.sender, m.outgoing, m.sent) for m in messages[:2]] == [
        ("+15550100", False, START),
        ("owner", True, START + 60),
    ]


def test_a_database_is_preferred_to_the_files_made_of_it(tmp_path: Path, acc_run: RunContext) -> None:
    from exports import imessage_row, write_imessage_rows

    write_imessage_rows(tmp_path, [imessage_row(0, "bob", "from the database")])
    write_imessage_file(tmp_path, [imessage_lines(0, "bob", "from the file")], "txt")
    assert [message.text for message in read_one("imessage", tmp_path, acc_run)] == ["from the database"]
