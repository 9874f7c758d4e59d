"""Fourteen exports on which other Telegram extractors crash or fail: read by the source, paired by `turns`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from autocakechat import RunContext
from tests.extractors.chats import extract_export
from tests.sources.exports import ME, PARTNER, Json, make_account, make_chat, make_message, make_service, write_export

HOUR = 3600
YEAR = 365 * 24 * HOUR
OTHER = 3


def message_and_reply(first: int = 1, at: int = 0) -> list[Json]:
    return [make_message(first, PARTNER, "how are you?", at=at), make_message(first + 1, ME, "fine", at=at + 60)]


PAIR = ["how are you?", "fine"]

BEHAVIOURS: dict[str, tuple[Json, list[list[str]]]] = {
    "F1 a chat with one exchange yields one pair": (make_chat(message_and_reply()), [PAIR]),
    "F2 a reply with a link or bold is kept": (
        make_chat(
            [
                make_message(1, PARTNER, ["look ", {"type": "bold", "text": "here"}]),
                make_message(2, ME, [{"type": "link", "text": "http://a.b"}, " is ", {"type": "bold", "text": "it"}]),
            ]
        ),
        [["look here", "http://a.b is it"]],
    ),
    "F3 a chat with a round video still parses": (
        make_chat([*message_and_reply(), make_message(3, ME, "", file="v.mp4", media_type="video_message")]),
        [PAIR],
    ),
    "F4 forwarded text is not used as a reply": (
        make_chat([make_message(1, PARTNER, "news?"), make_message(2, ME, "stolen words", forwarded_from="Paper")]),
        [],
    ),
    "F5 a reply one year later is not paired": (
        make_chat([make_message(1, PARTNER, "hi", at=0), make_message(2, ME, "sorry, I was busy", at=YEAR)]),
        [],
    ),
    "F6 a reply 24 hours and 5 minutes later is not paired": (
        make_chat([make_message(1, PARTNER, "hi", at=0), make_message(2, ME, "morning", at=24 * HOUR + 300)]),
        [],
    ),
    "F7 in a group only the server's messages become replies": (
        make_chat(
            [
                make_message(1, PARTNER, "who comes?"),
                make_message(2, OTHER, "I do"),
                make_message(3, ME, "me too"),
                make_message(4, OTHER, "great"),
                make_message(5, PARTNER, "good"),
            ],
            type="private_group",
        ),
        [["who comes?\nI do", "me too"]],
    ),
    "F8 in a group the messages of both clients are in the context": (
        make_chat(
            [
                make_message(1, PARTNER, "where?"),
                make_message(2, OTHER, "and when?"),
                make_message(3, ME, "here and now"),
            ],
            type="private_supergroup",
        ),
        [["where?\nand when?", "here and now"]],
    ),
    "F9 an explicit reply is paired with its target": (
        make_chat(
            [
                make_message(1, PARTNER, "tea?"),
                make_message(2, PARTNER, "by the way, it rains"),
                make_message(3, ME, "yes, black", reply_to_message_id=1),
            ]
        ),
        [["tea?", "yes, black"]],
    ),
    "F10 an explicit reply after 2 hours is kept": (
        make_chat(
            [
                make_message(1, PARTNER, "what is it called?", at=0),
                make_message(2, ME, "a quince", at=2 * HOUR, reply_to_message_id=1),
            ]
        ),
        [["what is it called?", "a quince"]],
    ),
    "F11 empty and one-sided chats do not crash": (
        make_account(
            make_chat([]),
            make_chat([make_message(1, PARTNER, "hello?")], id=5),
            make_chat([make_message(2, ME, "hello?")], id=6),
        ),
        [],
    ),
    "F12 a burst keeps the message boundary": (
        make_chat([make_message(1, PARTNER, "q"), make_message(2, ME, "a1."), make_message(3, ME, "a2")]),
        [["q", "a1.\na2"]],
    ),
    "F13 the export of an account is accepted": (
        make_account(
            make_chat(message_and_reply()),
            make_chat([make_message(5, 7, "you?"), make_message(6, ME, "me")], id=7),
        ),
        [PAIR, ["you?", "me"]],
    ),
    "F14 bot chats are skipped and the rest is kept": (
        make_account(
            make_chat([make_message(1, 9, "I am a bot"), make_message(2, ME, "/start")], type="bot_chat", id=9),
            make_chat([*message_and_reply(5), make_service(7, ME, "phone_call")]),
        ),
        [PAIR],
    ),
}  # fmt: skip


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_behaviour(tmp_path: Path, run: RunContext, behaviour: str) -> None:
    document, expected = BEHAVIOURS[behaviour]
    assert extract_export(write_export(tmp_path / "result.json", document), run).texts == expected


@pytest.mark.parametrize("server", ["user1", "1", 1, ["user1"], ["nobody", 1], "me"])
def test_all_forms_of_the_server_option(tmp_path: Path, run: RunContext, server: Sequence[str] | int) -> None:
    path = write_export(tmp_path / "result.json", make_chat(message_and_reply()))
    assert extract_export(path, run, server=server).texts == [PAIR]
