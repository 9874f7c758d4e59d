"""Signal: what signalbackup-tools writes."""

from __future__ import annotations

import sys
from pathlib import Path

from autocakechat import RunContext

sys.path.insert(0, str(Path(__file__).parent))
from exports import START
from reading import kinds, read_chats, read_one
from text_exports import (
    SIGNAL_HEAD,
    signal_block,
    signal_line,
    signal_time,
    write_signal_blocks,
    write_signal_lines_of_text,
)


def test_every_kind_of_line_is_counted(tmp_path: Path, acc_run: RunContext) -> None:
    lines = [
        signal_line(0, "Ann", "who is\nin? (see: below)"),
        signal_line(1, "Bob", "me (Ann: 👍; Cara: ❤️)"),
        f'[{signal_time(2)}] *** <Bob> sent file "cat.jpg" (Ann: 😀)\n',
        f"[{signal_time(3)}] *** <Bob> sent file of type video/mp4\n",
        f"[{signal_time(4)}] *** Missed voice call\n",
        f"[{signal_time(5)}] *** You disabled disappearing messages.\n",
        signal_line(6, "Bob", "Poll: where?\n          [1] here\n          [0] there"),
    ]
    ((chat, messages),) = read_chats("signal", tmp_path / write_signal_lines_of_text(tmp_path, lines), acc_run)
    assert (chat.title, chat.kind) == ("Ann Lee", "private chat")
    assert kinds(messages) == [
        ("text", "who is\nin? (see: below)", True),
        ("text", "me", True),
        ("photo", "", True),
        ("video", "", True),
        ("service: call", "", True),
        ("service: notice", "", True),
        ("poll", "", True),
    ]
    assert [message.sender for message in messages] == ["Ann", "Bob", "Bob", "Bob", "", "", "Bob"]
    assert messages[0].sent == START


def test_a_conversation_of_three_is_a_group(tmp_path: Path, acc_run: RunContext) -> None:
    lines = [signal_line(number, name, "hi") for number, name in enumerate(("Ann", "Bob", "Cara"))]
    ((chat, _),) = read_chats("signal", tmp_path / write_signal_lines_of_text(tmp_path, lines), acc_run)
    assert chat.kind == "group"


def attachment(mark: str) -> str:
    return f'            <div class="attachment">\n              {mark}\n            </div>\n'


QUOTE = """            <div class="msg-quote">
              <a class="quote-link" href="#1">
                <div class="msg-quote-message">
                  <div class="msg-name">
                    <div class="membername">Ann</div>
                  </div>
                  <pre dir="auto">who is in?</pre>
                </div>
              </a>
              <div class="msg-quote-attach">
                <div class="attachment"><img src="media/1.jpg" alt="Image attachment"></div>
              </div>
            </div>
"""


def test_every_kind_of_message_of_a_page_is_counted(tmp_path: Path, acc_run: RunContext) -> None:
    emoji = signal_block(1, "ann", "EMOJI").replace("EMOJI", 'ok <span class="msg-emoji">👍</span>\n&amp; bye')
    status = (
        signal_block(6, "bob", "Missed voice call")
        .replace("msg-incoming", "msg-status")
        .replace("footer", "footer-status")
    )
    blocks = [
        signal_block(0, "bob", "who is in? <3"),
        emoji,
        signal_block(2, "ann", "me", extra=QUOTE),
        signal_block(3, "bob", "", extra=attachment('<img src="media/1.jpg" alt="Image attachment">')),
        signal_block(4, "bob", "", extra=attachment('<img src="media/2.webp">'), classes=" no-bg-bubble"),
        signal_block(5, "bob", "my cat", extra=attachment("<video controls>")),
        status,
        signal_block(7, "bob", "This message was deleted.", classes=" deleted-msg"),
        signal_block(
            8,
            "ann",
            "",
            extra='            <div class="viewonce">\n              <pre>Media</pre>\n            </div>\n',
        ),
        signal_block(
            9,
            "ann",
            "see https://example.org",
            extra='            <div class="lp">\n<img src="x">\n            </div>\n',
        ),
    ]
    write_signal_blocks(tmp_path, blocks[5:], page="_1")
    ((chat, messages),) = read_chats("signal", tmp_path / write_signal_blocks(tmp_path, blocks[:5]), acc_run)
    assert (chat.title, chat.kind) == ("Ann & Lee", "private chat")
    assert kinds(messages) == [
        ("text", "who is in? <3", True),
        ("text", "ok 👍\n& bye", True),
        ("text", "me", True),
        ("photo", "", True),
        ("sticker", "", True),
        ("video", "my cat", True),
        ("service: call", "", True),
        ("deleted message", "", True),
        ("view-once media", "", True),
        ("text", "see https://example.org", True),
    ]
    assert [message.id for message in messages] == list(range(1, 11))
    assert [message.reply_to for message in messages[:4]] == [None, None, 1, None]
    assert (messages[0].sender, messages[0].sender_name, messages[1].sender) == ("recipient7", "Ann & Lee", "owner")
    assert [message.outgoing for message in messages[:2]] == [False, True]
    assert messages[3].sent == START + 180


def test_members_of_a_group_have_their_ids(tmp_path: Path, acc_run: RunContext) -> None:
    name = '<div class="msg-name msg-name-12">\n  <div class="membername">Cara &amp; Co</div>\n</div>\n'
    head = SIGNAL_HEAD + '<span class="groupdetails">3 members</span>\n'
    blocks = [signal_block(0, "bob", "hi", extra=name)]
    ((chat, (message,)),) = read_chats("signal", tmp_path / write_signal_blocks(tmp_path, blocks, head=head), acc_run)
    assert (chat.kind, message.sender, message.sender_name, message.text) == ("group", "recipient12", "Cara & Co", "hi")


def test_a_page_without_messages_is_no_chat(tmp_path: Path, acc_run: RunContext) -> None:
    write_signal_blocks(tmp_path, [signal_block(0, "bob", "hi")])
    (tmp_path / "signal/Eve (_id4)").mkdir()
    (tmp_path / "signal/Eve (_id4)/Eve.html").write_text(SIGNAL_HEAD)
    assert [message.text for message in read_one("signal", tmp_path / "signal", acc_run)] == ["hi"]
